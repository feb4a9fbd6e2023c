"""The originality coloring marks copied passages like a plain search, also while streaming."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from rich.style import Style

from tests.support.open_app import note_of, settings_of, tiny_app
from tests.support.shown_screen import screen_text
from tests.support.tape_app import LENGTH, SETTINGS, TapeApp
from tests.support.tiny_model import TINY_VOCABULARY
from tests.support.waiting import wait_until
from tests.support.xray_app import looks_in_view
from tui_charrnn.generation.training_corpus import IndexedCorpus
from tui_charrnn.text.originality import COPIED_LENGTH
from tui_charrnn.text.suffix_index import SuffixIndex
from tui_charrnn.tui.xray.originality import OriginalityLevels, OriginalityTrack

TURNS = 6  # key presses to the originality coloring, the last one


def copied_by_brute_force(text: str, corpus: str, length: int) -> list[bool]:
    """Return, for each character, whether it is in a passage of that length from the corpus."""
    marks = [False] * len(text)
    for start in range(len(text) - length + 1):
        if text[start : start + length] in corpus:
            marks[start : start + length] = [True] * length
    return marks


def match_by_brute_force(text: str, corpus: str, end: int) -> int:
    """Return the length of the longest match with the corpus that ends before a position."""
    return max(size for size in range(end + 1) if text[end - size : end] in corpus)


@pytest.mark.parametrize("rng_seed", range(6))
def test_marks_equal_a_plain_search_of_random_texts(rng_seed: int) -> None:
    rng = np.random.default_rng(rng_seed)
    corpus = "".join(rng.choice(list("ab\n"), 400))
    text = ""
    while len(text) < 300:
        start, size = int(rng.integers(400)), int(rng.integers(1, 60))
        text += corpus[start : start + size] + str(rng.choice(list("abc")))
    track = OriginalityTrack(IndexedCorpus(("own",), "", SuffixIndex.of(corpus)))
    known: list[bool | None] = []

    for start in range(0, len(text), 7):
        before = known
        changed = track.add(text[start : start + 7])
        known = [track.is_copied(position) for position in range(len(track))]
        assert known[:changed] == before[:changed]
        assert known == copied_by_brute_force(text[: len(track)], corpus, COPIED_LENGTH)

    assert 0 < sum(map(bool, known)) < len(text)
    matches = [match_by_brute_force(text, corpus, end) for end in range(1, len(text) + 1)]
    assert list(track.lengths) == matches
    assert track.summary.longest == max(matches)
    place = track.summary.place
    assert corpus[place.offset : place.offset + track.summary.longest] in text
    assert place.line == corpus.count("\n", 0, place.offset) + 1
    assert track.summary.copied == sum(map(bool, known))
    new = [text[at : at + 5] not in corpus for at in range(len(text) - 4)]
    assert track.summary.shares[0] == f"5: {100 * sum(new) / len(new):.1f} %"
    assert track.is_copied(len(text)) is None


@asynccontextmanager
async def compared_app(
    folder: Path, *, size: tuple[int, int] = (80, 24), is_ascii: bool = False
) -> AsyncIterator[TapeApp]:
    """Open an app whose text has ended and has the focus."""
    app = tiny_app(folder)
    app.is_ascii = is_ascii
    settings = settings_of(app)
    settings.speed, settings.length, settings.sampling = None, LENGTH, SETTINGS
    async with app.run_test(size=size) as pilot:
        await wait_until(pilot, "the end", lambda: f"{LENGTH} characters." in note_of(app))
        app.main.text_pane.view.focus()
        yield TapeApp(app, pilot)


def copying_corpus(folder: Path, text: str) -> tuple[Path, str]:
    """Return a corpus that shares one passage from the middle of a text, and little else."""
    corpus = "j" * 30 + "\n" + text[12:45] + "\n" + "hj" * 20
    path = folder / "corpus.txt"
    path.write_text(corpus)
    return path, corpus


async def known(app: TapeApp) -> OriginalityLevels:
    """Wait until the whole text is compared."""
    pane = app.pane

    def is_known() -> bool:
        levels = pane.xray.text_colors.levels
        return (
            isinstance(levels, OriginalityLevels)
            and levels.level(pane.text.branch, pane.text.shown - 1) is not None
        )

    await wait_until(app.pilot, "what is copied", is_known)
    await app.pilot.pause()
    assert isinstance(pane.xray.text_colors.levels, OriginalityLevels)
    return pane.xray.text_colors.levels


async def test_copied_passages_look_otherwise_with_and_without_colors(tmp_path: Path) -> None:
    async with compared_app(tmp_path) as app:
        text = app.tape.text()
        path, corpus = copying_corpus(tmp_path, text)
        marks = copied_by_brute_force(text, corpus, COPIED_LENGTH)
        assert set(marks) == {True, False}
        app.pane.xray.compare_with(str(path))
        await known(app)

        looks = looks_in_view(app.pane)
        styles: dict[bool, set[tuple[bool | None, ...]]] = {True: set(), False: set()}
        for position, is_copied in enumerate(marks):
            styles[is_copied].add(_without_color(looks[position]))
        assert len(styles[True]) == len(styles[False]) == 1
        assert not styles[True] & styles[False]
        assert "originality, against corpus" in screen_text(app.app)
        assert "copied" in screen_text(app.app)


async def test_the_panel_shows_the_longest_passage_its_place_and_the_shares(tmp_path: Path) -> None:
    async with compared_app(tmp_path, size=(130, 44)) as app:
        text = app.tape.text()
        path, _ = copying_corpus(tmp_path, text)
        app.pane.xray.compare_with(str(path))
        levels = await known(app)

        rows = [str(row) for row in levels.rows(0, len(text) - 1, 60, 20)]
        shown = " ".join(" ".join(rows).split())
        assert "position 31, line 2" in shown
        assert "longest: 33" in shown
        assert "new at length 5: " in shown
        await wait_until(app.pilot, "the panel", lambda: "longest: 33" in screen_text(app.app))


async def test_it_is_marked_while_it_streams_and_on_every_branch(tmp_path: Path) -> None:
    async with compared_app(tmp_path) as app:
        path, corpus = copying_corpus(tmp_path, app.tape.text())
        app.pane.xray.compare_with(str(path))
        await known(app)
        await app.pilot.press("t")
        await app.press("home", *["right"] * 20)
        other = next(n for n, row in enumerate(app.panel.rows, 1) if not row.is_chosen)
        await app.pilot.press(str(other))
        await wait_until(app.pilot, "a branch", lambda: app.text.branch == 1)
        await app.rested(21 + LENGTH)
        levels = await known(app)
        text = app.tape.text()
        marks = copied_by_brute_force(text, corpus, COPIED_LENGTH)
        assert [levels.level(1, place) == 3 for place in range(len(text))] == marks
        assert levels.level(0, 44) == 3


async def test_a_missing_corpus_is_reported_with_how_to_name_one(tmp_path: Path) -> None:
    async with compared_app(tmp_path) as app:
        await app.pilot.press(*["x"] * TURNS)
        await wait_until(app.pilot, "a sentence", lambda: "was not found here" in note_of(app.app))
        assert note_of(app.app).endswith("k names a text to compare with.")
        path, _ = copying_corpus(tmp_path, app.tape.text())
        await app.pilot.press("k", *path.name.replace(".", "_"))
        await wait_until(
            app.pilot, "what is wrong", lambda: "there is no file" in screen_text(app.app)
        )
        await app.pilot.press("escape")
        app.pane.xray.compare_with(str(path))
        await known(app)
        await app.pilot.press("x")
        assert getattr(app.colors.coloring, "name", "") == "influence"


async def test_the_corpus_of_the_model_is_found_indexed_and_kept(tmp_path: Path) -> None:
    import hashlib

    from tests.support.tiny_model import random_tensors, tiny_config
    from tui_charrnn.generation.training_corpus import index_corpora
    from tui_charrnn.model.checkpoint import serialize_model
    from tui_charrnn.text.corpus_reading import read_corpus
    from tui_charrnn.text.suffix_index import index_path
    from tui_charrnn.text.vocabulary import Vocabulary

    path = tmp_path / "own.txt"
    path.write_text("badge cab\n" * 9)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    index_corpora([read_corpus([str(path)])], notify=lambda _: None)
    assert index_path(sha256).exists()
    async with compared_app(tmp_path) as app:
        facts = {"name": "own", "sha256": sha256}
        data = serialize_model(
            random_tensors(tiny_config(), len(TINY_VOCABULARY)),
            tiny_config(),
            Vocabulary(TINY_VOCABULARY),
            corpus=facts,
            training={},
        )
        (tmp_path / "tiny.safetensors").write_bytes(data)
        app.app.main.text_pane.generate("")
        await wait_until(app.pilot, "the model", lambda: _corpus_of(app) == "own")
        await app.rested(LENGTH)
        await app.pilot.press(*["x"] * TURNS)
        await known(app)
        assert "originality, against own" in screen_text(app.app)


def _corpus_of(app: TapeApp) -> object:
    opening = app.text.opening
    return opening.loaded.model.corpus.get("name") if opening is not None else None


def _without_color(look: Style) -> tuple[bool | None, ...]:
    return look.bold, look.underline, look.reverse
