"""`generate --originality`: copied passages on a terminal, in a pipe and in records."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from tests.support.command import ROOT, invoke_alone
from tests.support.fake_run import fake_run
from tests.support.pseudo_terminal import TERMINAL_VARIABLES, read_terminal, terminal_pair
from tests.support.tiny_model import tiny_model_file
from tui_charrnn.cli.generate import generate
from tui_charrnn.errors import CorpusError
from tui_charrnn.model.checkpoint import load_model, serialize_model
from tui_charrnn.model.weights import tensors_from_weights
from tui_charrnn.runs.checkpoints import save_checkpoint

SAYS = ("-n", "300", "--rng-seed", "1")
LEAST = 8
"""Characters from which on a passage counts as copied in these tests."""
STYLE = re.compile(r"(\x1b\[[\d;]*m)")


invoke = partial(invoke_alone, generate)


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return tiny_model_file(tmp_path / "model.safetensors")


@pytest.fixture
def generated(model_file: Path) -> str:
    return invoke(*SAYS, "--model", model_file).stdout


@pytest.fixture
def corpus(generated: str, tmp_path: Path) -> Path:
    """A text with three passages that the model generates, two of which overlap, and a newline."""
    file = tmp_path / "corpus.txt"
    passages = (generated[40:90], generated[80:110], generated[200:212])
    file.write_text("xx\n" + "?".join(passages) + "\nyy\n", encoding="utf-8")
    return file


def copied_positions(text: str, corpus: str, least: int) -> set[int]:
    return {
        position
        for place in range(len(text) - least + 1)
        if text[place : place + least] in corpus
        for position in range(place, place + least)
    }


@pytest.mark.parametrize("name", ["shakespeare", "linux"])
def test_what_a_run_names_is_not_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refuse(*_: object, **__: object) -> bytes:
        raise AssertionError("something was to be downloaded")

    monkeypatch.setattr("tui_charrnn.text.download.fetch", refuse)
    run = fake_run(tmp_path / "runs", losses=[3.0, 2.0], evaluations={2: 2.4})
    model = load_model(run.checkpoint(2).model)
    tensors = tensors_from_weights(model.weights, model.config)
    document = json.loads(run.description.read_bytes())
    document["corpus"] |= {"name": name, "sources": [f"catalogue:{name}"]}
    run.description.write_text(json.dumps(document), encoding="utf-8")
    facts = {"name": name, "sha256": document["corpus"]["sha256"]}
    data = serialize_model(tensors, model.config, model.vocabulary, corpus=facts, training={})
    save_checkpoint(run, step=3, model=data, training=b"t", loss=1.0, is_best=True, keep=1)

    result = invoke(*SAYS, "--model", run.path, "--originality")

    assert isinstance(result.exception, CorpusError)
    assert f"corpora inspect {name}" in str(result.exception)


def share_of_new(text: str, corpus: str, length: int) -> float:
    grams = [text[place : place + length] for place in range(len(text) - length + 1)]
    return sum(gram not in corpus for gram in grams) / len(grams)


def asked(model_file: Path, corpus: Path) -> tuple[object, ...]:
    return (*SAYS, "--model", model_file, "--corpus", corpus, "--copied-length", LEAST)


def test_a_pipe_gets_the_same_text(model_file: Path, corpus: Path, generated: str) -> None:
    assert invoke(*asked(model_file, corpus)).stdout == generated


def test_the_sums_equal_a_search(model_file: Path, corpus: Path, generated: str) -> None:
    printed = invoke(*asked(model_file, corpus)).stderr
    text = corpus.read_text(encoding="utf-8")
    copied = len(copied_positions(generated, text, LEAST))

    assert f"{copied} of 300 characters, {copied / 3:.1f} %" in printed
    assert "Longest copied passage: 50 characters, from position " in printed
    assert " of the text, line 2: " in printed
    assert generated[40:90].replace("\n", "␤") in printed
    for length in (10, 20):
        assert f"{length}: {100 * share_of_new(generated, text, length):.1f} %" in printed


def test_records_have_every_match_and_the_last_sums_up(
    model_file: Path, corpus: Path, generated: str
) -> None:
    text = corpus.read_text(encoding="utf-8")
    records = [
        json.loads(line)
        for line in invoke(*asked(model_file, corpus), "--json").stdout.splitlines()
    ]
    closing = records.pop()["originality"]

    assert [record["character"] for record in records] == list(generated)
    for position, record in enumerate(records, 1):
        match = record["match"] or {"length": 0, "offset": 0, "line": 1}
        end = generated[position - match["length"] : position]
        assert text.startswith(end, match["offset"])
        assert match["line"] == text.count("\n", 0, match["offset"]) + 1
        longer = generated[max(position - match["length"] - 1, 0) : position]
        assert longer == end or longer not in text
    assert closing["corpus"]["name"] == "corpus"
    assert closing["corpus"]["characters"] == len(text)
    (summed,) = closing["texts"]
    assert summed["rng_seed"] == 1
    assert summed["copied_characters"] == len(copied_positions(generated, text, LEAST))
    longest = summed["longest"]
    assert generated[longest["position"] :][: longest["length"]] == longest["text"]
    assert text.find(longest["text"]) == longest["offset"]
    assert set(summed["new_share"]) == {"5", "10", "20", "50"}
    assert summed["new_share"]["10"] == pytest.approx(share_of_new(generated, text, 10))


def test_several_texts_are_summed_up_one_by_one(model_file: Path, corpus: Path) -> None:
    result = invoke(*asked(model_file, corpus), "--count", 2)
    assert "Text 1 of 2: " in result.stderr
    assert "Text 2 of 2: " in result.stderr


def test_the_seed_text_is_not_looked_at(model_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "other.txt"
    file.write_text("abcdefghij\n", encoding="utf-8")

    result = invoke("abcdefghij", "-n", 0, "--model", model_file, "--corpus", file)

    assert result.stdout == "abcdefghij"
    assert "no text" in result.stderr


def test_a_text_without_a_character_of_the_corpus_is_reported(
    model_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "other.txt"
    file.write_text("XYZ", encoding="utf-8")

    result = invoke("-n", 5, "--model", model_file, "--corpus", file)

    assert "Copied from other (3 characters): no character of it." in result.stderr


def shown_on_terminal(arguments: tuple[object, ...], variables: Mapping[str, str]) -> str:
    """Standard output on a terminal."""
    command = [sys.executable, "-m", "tui_charrnn", "generate", *map(str, arguments)]
    environment = {**os.environ, **TERMINAL_VARIABLES, "PYTHONPATH": str(ROOT), **variables}
    with (
        terminal_pair() as (ours, theirs),
        subprocess.Popen(
            command, stdout=theirs.fileno(), stderr=subprocess.PIPE, env=environment
        ) as child,
    ):
        theirs.close()
        shown = b"".join(iter(lambda: read_terminal(ours), b""))
        child.communicate()
    assert child.returncode == 0
    return shown.decode().replace("\r\n", "\n")


def styles_of(shown: str) -> tuple[str, dict[int, str]]:
    """The text without styles, and the style of every position that has one."""
    text, style = "", ""
    styles: dict[int, str] = {}
    for part in STYLE.split(shown):
        if STYLE.fullmatch(part):
            style = "" if part == "\x1b[0m" else part
        else:
            styles |= dict.fromkeys(range(len(text), len(text) + len(part)), style)
            text += part
    return text, {position: style for position, style in styles.items() if style}


@pytest.mark.pty
@pytest.mark.parametrize(
    ("variables", "style"), [({}, "\x1b[4;35m"), ({"NO_COLOR": "1"}, "\x1b[4m")]
)
def test_a_terminal_gets_copied_passages_underlined(
    model_file: Path, corpus: Path, generated: str, variables: dict[str, str], style: str
) -> None:
    text, styles = styles_of(shown_on_terminal(asked(model_file, corpus), variables))

    assert text.rstrip("\n") == generated.rstrip("\n")
    expected = copied_positions(generated, corpus.read_text(encoding="utf-8"), LEAST)
    assert styles == dict.fromkeys(expected, style)


@pytest.mark.pty
def test_every_one_of_several_texts_is_marked(model_file: Path, corpus: Path) -> None:
    arguments = (*asked(model_file, corpus), "--count", 2)
    source = corpus.read_text(encoding="utf-8")

    text, styles = styles_of(shown_on_terminal(arguments, {}))

    bodies = list(re.finditer(r"==> [^\n]* <==\n", text))
    expected = set()
    for heading, end in zip(bodies, [bodies[1].start() - 2, len(text)], strict=True):
        body = text[heading.end() : end]
        expected |= {heading.end() + each for each in copied_positions(body, source, LEAST)}
    assert set(styles) == expected


@pytest.mark.pty
def test_a_terminal_that_knows_no_styles_gets_none(model_file: Path, corpus: Path) -> None:
    assert "\x1b" not in shown_on_terminal(asked(model_file, corpus), {"TERM": "dumb"})
