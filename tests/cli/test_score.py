"""The command `score`."""

import gzip
import html.parser
import json
import math
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.command import run_here
from tests.support.tiny_model import TINY_VOCABULARY, tiny_model, tiny_model_file
from tui_charrnn.cli import reading
from tui_charrnn.cli.reading import read_blocks
from tui_charrnn.cli.score_page import LEVELS, SHOWN_CHARACTERS, levels_of, marked_text
from tui_charrnn.generation.scoring import DynamicScorer, TextScorer
from tui_charrnn.text.decoding import PIECE
from tui_charrnn.text.sources import find_sources

TEXT = "bad cab\nhide a jig\n\nabc"


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(tiny_model_file(tmp_path / "one.safetensors"))


@pytest.fixture
def other(tmp_path: Path) -> str:
    return str(tiny_model_file(tmp_path / "two.safetensors", vocabulary="\nabxyz", rng_seed=7))


@pytest.fixture
def text(tmp_path: Path) -> str:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return str(path)


def documents(ended: "subprocess.CompletedProcess[bytes]") -> list[dict[str, Any]]:
    assert ended.returncode == 0, ended.stderr.decode()
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_a_text_is_scored_in_bits_and_perplexity(model: str, text: str) -> None:
    bits = TextScorer(tiny_model()).score(TEXT)

    (found,) = documents(run_here("score", text, "--model", model, "--json"))

    (score,) = found["scores"]
    assert (found["kind"], found["text"], score["model"]) == ("text", text, model)
    assert score["bits_per_character"] == pytest.approx(bits.mean(), rel=1e-6)
    assert score["perplexity"] == pytest.approx(2 ** bits.mean(), rel=1e-6)
    assert (score["characters"], score["unknown"], score["passages"]) == (len(TEXT), 0, [])


def test_people_get_a_table(model: str, text: str) -> None:
    bits = TextScorer(tiny_model()).score(TEXT)

    ended = run_here("score", text, "--model", model, "--top", "1")

    heading, row, passage = ended.stdout.decode().splitlines()
    assert heading.split() == ["BITS/CHAR", "PERPLEXITY", "CHARACTERS", "UNKNOWN", "TEXT"]
    assert row.split() == [f"{bits.mean():.3f}", f"{2 ** bits.mean():.3f}", "23", "0", text]
    assert passage.split(maxsplit=1)[1] == f"line 1, column 1: {TEXT.replace(chr(10), '␤')}"
    assert ended.stderr == b""


def test_lines_add_up_to_the_text(model: str, text: str) -> None:
    *lines, whole = documents(run_here("score", text, "--model", model, "--lines", "--json"))

    assert [(line["line"], line["content"]) for line in lines] == list(
        enumerate(TEXT.split("\n"), 1)
    )
    assert sum(line["scores"][0]["bits"] for line in lines) == pytest.approx(
        whole["scores"][0]["bits"]
    )
    plain = run_here("score", text, "--model", model, "--lines").stdout.decode().splitlines()
    assert plain[1].split() == [
        f"{lines[0]['scores'][0]['bits_per_character']:.3f}",
        "1",
        "bad",
        "cab",
    ]


def test_each_text_goes_to_the_model_it_belongs_to(
    model: str, other: str, text: str, tmp_path: Path
) -> None:
    (tmp_path / "foreign.txt").write_text("xyz zyx xyz", encoding="utf-8")
    arguments = ("score", text, str(tmp_path / "foreign.txt"), "-m", model, "-m", other)

    first, second = documents(run_here(*arguments, "--json"))

    assert [score["model"] for score in first["scores"]] == [model, other]
    assert [score["model"] for score in second["scores"]] == [other, model]
    # the first model has fewer bits only for the two spaces that it knows
    assert second["scores"][1]["characters"] == 2
    plain = run_here(*arguments).stdout.decode().splitlines()
    assert plain[0].split()[4:] == ["COMPARABLE", "MODEL", "TEXT"]
    best = [row.split()[4:7] for row in plain[1:] if "*" in row]
    assert [row[1:] for row in best] == [["*", model], ["*", other]]
    for (figure, *_), found in zip(best, (first, second), strict=True):
        score = found["scores"][0]
        whole = score["characters"] + score["unknown"]
        comparable = (score["bits"] + score["unknown"] * math.log2(0x110000)) / whole
        assert score["comparable_bits_per_character"] == pytest.approx(comparable)
        assert figure == f"{comparable:.3f}"


def test_lines_are_ranked_too(model: str, other: str, text: str) -> None:
    lines = documents(run_here("score", text, "-m", model, "-m", other, "--lines", "--json"))[:-1]

    assert [line["scores"][0]["model"] for line in lines][:2] == [model, model]


def test_unknown_characters_are_named_and_not_scored(model: str) -> None:
    stdin = "aΩb한Ω".encode()

    ended = run_here("score", "-", "--model", model, stdin=stdin)

    assert ended.stdout.decode().splitlines()[1].split()[2:4] == ["2", "3"]
    assert f"Not scored in standard input, as {model}" in ended.stderr.decode()
    assert "'Ω' (U+03A9) ×2, '한' (U+D55C)." in ended.stderr.decode()
    (found,) = documents(run_here("score", "-", "--model", model, "--json", stdin=stdin))
    assert found["scores"][0]["unknown_characters"] == {"Ω": 2, "한": 1}


def test_a_text_without_one_known_character_has_no_score(model: str) -> None:
    (found,) = documents(run_here("score", "-", "-m", model, "--json", stdin="ΩΩ".encode()))

    assert found["scores"][0]["bits_per_character"] is None
    assert "-" in run_here("score", "-", "-m", model, stdin="Ω".encode()).stdout.decode()


def test_bytes_become_text_as_in_a_corpus(tmp_path: Path) -> None:
    model = str(tiny_model_file(tmp_path / "accents", vocabulary="\naé"))
    stdin = b"\xef\xbb\xbfa\r\ne\xcc\x81a\r"

    (found,) = documents(run_here("score", "-", "-m", model, "--json", "--lines", stdin=stdin))[-1:]

    expected = TextScorer(tiny_model(vocabulary="\naé")).score("a\néa\n")
    score = found["scores"][0]
    assert (score["characters"], score["unknown"]) == (5, 0)
    assert score["bits"] == pytest.approx(expected.sum(), rel=1e-6)


def test_streams_side_by_side_find_nearly_the_same(model: str, tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text(
        "".join(np.random.default_rng(0).choice(list(TINY_VOCABULARY), 50_000)), encoding="utf-8"
    )
    found = [
        documents(run_here("score", str(path), "-m", model, "--json", *options))[0]
        for options in ([], ["--parallel", "1"], ["--parallel", "7"])
    ]

    bits = [each["scores"][0]["bits"] for each in found]
    assert bits == pytest.approx([bits[1]] * 3, rel=1e-6)
    assert len({score["characters"] for each in found for score in each["scores"]}) == 1


def test_dynamic_evaluation_is_printed_separately(model: str, text: str) -> None:
    plain = documents(run_here("score", text, "-m", model, "--json"))[0]["scores"][0]
    scorer = DynamicScorer(tiny_model(), 0.5)
    scorer.add(TEXT * 9)
    options = ("-m", model, "--dynamic-evaluation-rate", "0.5")

    ended = run_here("score", "-", *options, "--json", stdin=(TEXT * 9).encode())

    score = documents(ended)[0]["scores"][0]
    assert plain["dynamic_bits_per_character"] is None
    assert score["dynamic_bits_per_character"] == pytest.approx(scorer.end(), rel=1e-6)
    assert score["dynamic_bits_per_character"] < score["bits_per_character"]
    people = run_here("score", text, *options).stdout.decode().splitlines()
    assert people[2].endswith("with dynamic evaluation")


class Page(html.parser.HTMLParser):
    """A parser that extracts text and styles of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._in_text = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "pre":
            self.texts.append("")
            self._in_text = True

    def handle_endtag(self, tag: str) -> None:
        self._in_text = self._in_text and tag != "pre"

    def handle_data(self, data: str) -> None:
        if self._in_text:
            self.texts[-1] += data


def test_the_page_shows_the_text_and_runs_nothing(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>&amp;\x1b[2J\u202e\n\"'"
    vocabulary = "".join(sorted({*hostile, "\n"} - {"2"}))
    model = str(tiny_model_file(tmp_path / "model", vocabulary=vocabulary))
    path = tmp_path / "<img src=x>.txt"
    path.write_text(hostile, encoding="utf-8")

    ended = run_here("score", str(path), "-m", model, "--html", str(tmp_path / "page.html"))

    assert ended.returncode == 0, ended.stderr
    written = (tmp_path / "page.html").read_text(encoding="utf-8")
    page = Page(written)
    assert page.texts == [hostile.replace("\x1b", "␛").replace("\u202e", "⟨202E⟩")]
    used = {tag for tag, _ in page.tags}
    assert not used & {"script", "img", "link", "iframe", "object"}
    assert not any(name in {"src", "href"} for _, attrs in page.tags for name in attrs)
    assert "http:" not in written
    assert "https:" not in written
    assert "<del>2</del>" in written
    for level, low in enumerate(LEVELS, 1):  # the legend, and an underline readable without color
        assert f'<span class="s{level}">{low:g} ' in written
        assert f".s{level}{{background:" in written
    assert written.count("border-bottom:") == len(LEVELS)


def test_levels_go_by_bits() -> None:
    bits = np.array([0.0, 0.49, 0.5, 2.5, 8.0, 40.0, np.nan])

    assert levels_of(bits).tolist() == [0, 0, 1, 3, 7, 7, 8]
    assert list(marked_text("ac\ng", bits[[0, 2, 3, 6]])) == [
        '<span class="s0" title="0.00 bits, 100 %">a</span>',
        '<span class="s1" title="0.50 bits, 70.7 %">c</span>',
        '<span class="s3" title="2.50 bits, 17.7 %"><b class="n"></b>\n</span>',
        "<del>g</del>",
    ]
    assert list(marked_text("", np.zeros(0))) == []


def test_the_page_has_what_the_table_has(model: str, other: str, text: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    options = ("-m", model, "-m", other, "--top", "1", "--dynamic-evaluation-rate", "0.1")

    ended = run_here("score", text, *options, "--html", str(page))

    written = page.read_text(encoding="utf-8")
    shown = ended.stdout.decode().splitlines()
    rows = [row.split() for row in shown if text in row]
    assert len(rows) == 2
    for bits, perplexity, characters, unknown, comparable, *_ in rows:
        assert f"{bits} bits per character, perplexity {perplexity}, " in written
        assert f"{comparable} comparable, {characters} characters, {unknown} unknown." in written
    for row in shown:
        if "dynamic evaluation" in row:
            assert f"{' '.join(row.split())}, " in written
        if "line 1" in row:
            assert f"<li>{row.split()[0]}, line 1, column " in written
    assert html.escape(ended.stderr.decode().splitlines()[-1]) in written


def test_the_page_has_the_start_of_a_long_text(model: str, tmp_path: Path) -> None:
    path, page = tmp_path / "long.txt", tmp_path / "page.html"
    path.write_text("ab" * (SHOWN_CHARACTERS // 2) + "c", encoding="utf-8")

    assert run_here("score", str(path), "-m", model, "--html", str(page)).returncode == 0

    written = page.read_text(encoding="utf-8")
    assert len(Page(written).texts[0]) == SHOWN_CHARACTERS
    assert "The first 200,000 characters are shown." in written


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"ab\x00", "is not text"),
        (b"ab\xffc", "byte 2 (0xff, line 1) cannot be decoded"),
        (b"\xef\xbb\xbf" + b"a" * 70_000 + b"\xe9", "byte 70,003 (0xe9, line 1)"),
    ],
    ids=["empty", "binary", "undecodable", "undecodable at the end"],
)
def test_what_is_no_text_ends_with_3(
    model: str, tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "text"
    path.write_bytes(content)

    ended = run_here("score", str(path), "-m", model)

    assert (ended.returncode, words in ended.stderr.decode()) == (3, True), ended.stderr
    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--top", "-1"], 2, "'--top': -1 is not in the range 0<=x<=1000"),
        (["--parallel", "0"], 2, "'--parallel': 0 is not in the range 1<=x<=4096"),
        (["--dynamic-evaluation-rate", "0"], 2, "above 0 and at most 10. Received: 0.0."),
        (["--dynamic-evaluation-rate", "nan"], 2, "Received: nan."),
        (["--encoding", "utf-9"], 2, "--encoding: There is no text encoding 'utf-9'"),
        (["--model", "nobody"], 3, "no model file, run or bundled model 'nobody'"),
        (["--html", "-"], 2, "--html needs a file name"),
        (["--html", "."], 2, "is a folder; give the name of a file"),
        (["--html", "/dev/full"], 6, "Cannot write /dev/full"),
    ],
)
def test_wrong_options_are_refused_in_a_sentence(
    text: str, model: str, options: list[str], code: int, words: str
) -> None:
    ended = run_here("score", text, "-m", model, *options)

    assert (ended.returncode, words in ended.stderr.decode()) == (code, True), ended.stderr


def test_one_model_is_not_ranked_against_itself(model: str, text: str) -> None:
    ended = run_here("score", text, "-m", model, "-m", f"{Path(model).parent}/./one.safetensors")

    assert (ended.returncode, b"the same model file" in ended.stderr) == (2, True)


def test_the_page_never_replaces_the_text(model: str, text: str) -> None:
    assert run_here("score", text, "-m", model, "--html", text).returncode == 2
    assert Path(text).read_text(encoding="utf-8") == TEXT


def test_a_missing_text_ends_with_3(model: str) -> None:
    ended = run_here("score", "nowhere.txt", "-m", model)

    assert (ended.returncode, b"nowhere.txt" in ended.stderr) == (3, True)


def test_no_more_than_a_block_of_a_text_is_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_BLOCK", 100_000)
    path, text = tmp_path / "long.txt", "añb\r\n" * 200_000
    path.write_bytes(text.encode())
    (source,) = find_sources([str(path)], encoding="utf-8").sources

    printed: list[tuple[int, int | None]] = []

    blocks = list(read_blocks(source, "utf-8", lambda *done: printed.append(done)))

    assert printed[-1] == (len(text.encode()), len(text.encode()))
    assert len(printed) == len(blocks)
    assert "".join(blocks) == text.replace("\r", "")
    assert max(map(len, blocks)) <= 100_000 + PIECE
    assert min(map(len, blocks[:-1])) >= 100_000


def test_the_progress_of_a_compressed_text_is_that_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "long.txt.gz"
    path.write_bytes(gzip.compress(b"ab\n" * 200_000))
    (source,) = find_sources([str(path)], encoding="utf-8").sources
    printed: list[tuple[int, int | None]] = []
    list(read_blocks(source, "utf-8", lambda *done: printed.append(done)))
    assert printed[-1] == (path.stat().st_size, path.stat().st_size)


def test_a_page_is_replaced_only_with_force(tmp_path: Path, model: str, text: str) -> None:
    page = tmp_path / "page.html"
    page.write_text("mine", encoding="utf-8")
    ended = run_here("score", text, "-m", model, "--html", str(page))
    assert (ended.returncode, b"already exists" in ended.stderr) == (2, True)
    assert page.read_text(encoding="utf-8") == "mine"
    assert run_here("score", text, "-m", model, "--html", str(page), "--force").returncode == 0
    assert "</html>" in page.read_text(encoding="utf-8")
    assert page.stat().st_mode & 0o077 == 0
