"""Tapes, the history and the caches, with all that is done with what stands in them."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from unittest import mock

from tests.support.tiny_model import tiny_model, tiny_model_file
from tui_charrnn.cli.history import entry_lines, list_lines
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import CharRNNError
from tui_charrnn.generation.neuron import parse_clamps
from tui_charrnn.generation.stream import CharacterStream, Replay
from tui_charrnn.generation.tape import Tape
from tui_charrnn.generation.tape_file import tape_document
from tui_charrnn.history.generation import Entry, Generation, entry_values, reference_to
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.history.store import (
    History,
    find_same_model,
)
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.paths import file_mark
from tui_charrnn.text.numbered_text import CachedNumbers, fingerprint
from tui_charrnn.text.numbering import Numbering
from tui_charrnn.text.originality import PassageMatcher
from tui_charrnn.text.suffix_index import SuffixIndex, obtain_index, store_index
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.history.browser import HistoryRow
from tui_charrnn.tui.history.preview import restored_clamps, settings_lines
from tui_charrnn.tui.session import GenerationSettings
from tui_charrnn.tui.text.external_text import load_recording
from tui_charrnn.tui.text.model_loader import LoadedModel

CLAMPS: Final = ("0:c1=2", "0:h3=-0.5")
CORPUS: Final = "to be, or not to be: that is the question\n" * 9
SHA256: Final = hashlib.sha256(CORPUS.encode()).hexdigest()
INDEX: Final = f"cache/suffixes/{SHA256}.index"
NUMBERS: Final = "cache/encoded/text.numbers"
_MOST: Final = 300
"""Characters of a text that are said again at most: how many there are is the file's word."""


def build_kept_texts(folder: Path) -> None:
    """A tape of each format, a history of one text, and what is kept of a corpus."""
    (folder / "tape.json").write_text(json.dumps(tape_document(_tape(()))))
    (folder / "clamped-tape.json").write_text(json.dumps(tape_document(_tape(CLAMPS))))
    _build_history(folder)
    with _cache(folder):
        store_index(SuffixIndex.of(CORPUS), SHA256)
        _keep_numbers(folder)


def read_tape(path: Path) -> None:
    """Open a tape as the app does, go over all of it, and go on with it."""
    loaded = LoadedModel(tiny_model(), ModelLabel("tiny"))
    task = BackgroundTask("tape", lambda _: None)
    tape = load_recording(path, lambda *_: loaded, GenerationSettings(), task).tape
    json.dumps(tape_document(tape), allow_nan=False)
    for branch in tape.tree.branches[:20]:
        tape.text(branch.number)
        for position in sorted({0, branch.start, branch.length // 2, branch.length}):
            tape.position_at(position, branch.number)
            tape.rewind(position, branch.number)
        tape.next()
    json.dumps(tape_document(tape), allow_nan=False)


def read_history_file(folder: Path) -> None:
    """All that is done with texts of the history; each may be refused by itself."""
    history = History(folder / "history.sqlite")
    entries: list[Entry] = []
    for do in (
        history.count,
        lambda: entries.extend(history.newest(3)),
        lambda: history.search("cab", 3),
        lambda: history.get(1),
        lambda: history.read(history.find("ab")),
        lambda: _read_entries(entries),
        lambda: _remove_and_restore(history),
        history.clear,
    ):
        try:
            do()
        except CharRNNError:
            continue


def look_up_passages(folder: Path) -> None:
    """Find a text in a corpus whose index is kept, or built anew if that is no good."""
    with _cache(folder):
        index = obtain_index(CORPUS, SHA256, notify=_refuse)
        matcher = PassageMatcher(index)
        matches = [matcher.add(character) for character in CORPUS[:99] + "?x"]
        assert matches[98].length == 99
        assert index.passage(0, len(CORPUS)) == CORPUS
        assert index.line(len(CORPUS) - 1) == 9


def find_numbers_of_text(folder: Path) -> None:
    """Look for a text in the cache of numbered ones; its file has the time that it is to have."""
    with _cache(folder):
        place = _place(folder)
        try:
            modified = json.loads(_record(place.path.read_bytes()))["modified"]
            os.utime(place.path, ns=(modified, modified))
        except (ValueError, LookupError, TypeError, OverflowError, RecursionError, OSError):
            pass
        place.find()


def _tape(words: tuple[str, ...]) -> Tape:
    """Three branches of a tiny model; what is held changes on the way."""
    model = tiny_model()
    clamps = parse_clamps(words, model.config)
    stream = CharacterStream(model, SamplingConfig(temperature=0.5), clamps)
    tape = Tape(stream, stream.prime("abc").text)
    for place in (20, 5, 9):
        for _ in range(10):
            tape.next()
        stream.clamps = clamps[:1]
        stream.sampling = SamplingConfig(temperature=1.5, top_k=3)
        for _ in range(10):
            tape.next()
        tape.rewind(place)
        stream.clamps = clamps
    tape.take(3)
    return tape


def _build_history(folder: Path) -> None:
    path = tiny_model_file(folder / "tiny.safetensors")
    first, then = SamplingConfig(), SamplingConfig(temperature=0.2, min_p=0.1)
    said = Generation(
        seed_text="abc",
        text="cab",
        length=30,
        sampling=((0, first), (2, then)),
        clamps=((0, CLAMPS), (1, ()), (3, CLAMPS[:1])),
        rng_seed=1,
        model=reference_to(path, file_mark(path), ModelLabel("tiny")),
    )
    History(folder / "history.sqlite").add([said])


def _remove_and_restore(history: History) -> None:
    taken = history.take_out(1)
    if taken is not None:
        history.put_back(taken)


def _read_entries(entries: list[Entry]) -> None:
    for entry in entries:
        _read_entry(entry)


def _read_entry(entry: Entry) -> None:
    """All that the commands and the app make of a text."""
    json.dumps(entry_values(entry))
    [*list_lines([entry]), *entry_lines(entry)]
    HistoryRow.of(entry)
    [*settings_lines(entry, datetime.now(UTC))]
    path = find_same_model(entry, may_differ=True)
    model = load_model(path)
    restored_clamps(entry.generation, LoadedModel(model, ModelLabel("tiny"), file=path))
    replay = Replay(model, entry.generation)
    for _ in range(_MOST):
        if replay.next() is None:
            break


def _keep_numbers(folder: Path) -> None:
    """A numbered text that has a file, as a large one would."""
    place = _place(folder)
    (text,) = place.files
    text.write_text(CORPUS)
    with closing(Numbering()) as numbering:
        numbering.add(CORPUS)
        place.store(numbering.finish(), [fingerprint(text)], {"bytes": len(CORPUS)})


def _place(folder: Path) -> CachedNumbers:
    """The text itself is never copied: it would be another file."""
    return CachedNumbers(folder / NUMBERS, (folder.with_name("original") / "text.txt",))


def _record(data: bytes) -> bytes:
    length = int.from_bytes(data[-48:-40], "little")
    return data[-48 - length : -48]


@contextmanager
def _cache(folder: Path) -> Iterator[None]:
    with mock.patch.dict(os.environ, {"CHARRNN_CACHE": str(folder / "cache")}):
        yield


def _refuse(sentence: str) -> None:
    raise AssertionError(sentence)
