"""`generate` of a model of records: one, lists of them, new ones only; and the likeliest text."""

import json
from functools import partial
from pathlib import Path

import pytest

from tests.support.command import invoke_alone
from tests.support.record_model import record_model_file
from tests.support.tiny_model import tiny_model_file
from tui_charrnn.cli.generate import generate
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError, CorpusError, DataError
from tui_charrnn.generation.side_by_side import search_likeliest
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.training_corpus import index_corpora, reading_for
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.tui.xray.originality import OriginalityTrack


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return record_model_file(tmp_path / "names.safetensors")


invoke = partial(invoke_alone, generate)


def generate_text(*arguments: object) -> str:
    result = invoke(*arguments, "--no-history")
    assert result.exit_code == 0, result.exception or result.output
    return result.stdout


def test_a_text_ends_with_its_record(model_file: Path) -> None:
    text = generate_text("ab", "-m", model_file, "--rng-seed", 3)
    assert text.startswith("ab")
    assert text.endswith("\n")
    assert text.count("\n") == 1


def test_the_record_of_an_end_symbol_is_marked(model_file: Path) -> None:
    lines = generate_text("-m", model_file, "--rng-seed", 3, "--json").splitlines()
    *others, last = map(json.loads, lines)
    assert (last["character"], last["is_end"]) == ("\n", True)
    assert not any("is_end" in each for each in others)


def test_the_likeliest_record_ends(model_file: Path) -> None:
    document = json.loads(generate_text("ab", "-m", model_file, "--most-likely", "--json"))
    assert document["is_ended"]
    assert "\n" not in document["text"]
    assert document["length"] == len(document["text"]) - 2 + 1


def test_texts_at_several_temperatures_are_records_too(model_file: Path) -> None:
    text = generate_text("-m", model_file, "--compare-temperatures", "0.5,1")
    assert len([line for line in text.splitlines() if line and line[0] != "="]) <= 2


def test_so_many_records_are_written_a_line_each(model_file: Path) -> None:
    lines = generate_text("-m", model_file, "--count", 30, "--rng-seed", 1).splitlines()
    assert len(lines) == 30
    assert all(lines)
    assert set("".join(lines)) <= set("abc")
    again = generate_text("-m", model_file, "--count", 30, "--rng-seed", 1).splitlines()
    assert again == lines
    assert (
        generate_text("-m", model_file, "--count", 10, "--rng-seed", 1).splitlines() == lines[:10]
    )


def test_the_first_of_several_equals_a_single_one(model_file: Path) -> None:
    alone = generate_text("b", "-m", model_file, "--rng-seed", 4)
    assert generate_text("b", "-m", model_file, "--rng-seed", 4, "--count", 3).startswith(alone)


def test_every_record_continues_the_seed_text(model_file: Path) -> None:
    lines = generate_text("ca", "-m", model_file, "--count", 20).splitlines()
    assert all(line.startswith("ca") for line in lines)
    bare = generate_text(
        "ca", "-m", model_file, "--count", 20, "--rng-seed", 2, "--no-echo"
    ).splitlines()
    whole = generate_text("ca", "-m", model_file, "--count", 20, "--rng-seed", 2).splitlines()
    assert ["ca" + line for line in bare] == whole


def test_new_ones_leave_out_the_corpus_and_each_other(model_file: Path, tmp_path: Path) -> None:
    known = tmp_path / "known.txt"
    known.write_text("a\nb\nc\nab\nba\n")
    options = "-m", model_file, "--count", 40, "--rng-seed", 1
    everything = generate_text(*options).splitlines()
    assert {"a", "b", "c"} & set(everything)
    new = generate_text(*options, "--new-only", "--corpus", known).splitlines()
    assert len(set(new)) == len(new) == 40
    assert not set(new) & {"a", "b", "c", "ab", "ba"}


def test_a_copied_record_is_copied_with_its_end_as_in_the_app(
    model_file: Path, tmp_path: Path
) -> None:
    options = "-m", model_file, "--rng-seed", 2
    record = generate_text(*options)
    assert len(record) > 3
    known = tmp_path / "known.txt"
    known.write_text(f"zz\n{record}yy\n")
    watched = *options, "--corpus", known, "--copied-length", 3, "--json"
    found = json.loads(generate_text(*watched).splitlines()[-1])["originality"]["texts"][0]
    assert (found["characters"], found["copied_characters"]) == (len(record), len(record))
    longest = {"position": 0, "length": len(record), "offset": 3, "line": 2, "text": record}
    assert found["longest"] == longest
    model = load_model(model_file)
    corpus = index_corpora([read_corpus([str(known)], reading_for(model))], notify=print)
    track = OriginalityTrack(corpus, 3)
    track.add(model.vocabulary.characters[model.vocabulary.encode(each)[0]] for each in record)
    app = track.summary
    assert (app.characters, app.copied, app.longest) == (len(record),) * 3
    assert (app.place.offset, app.place.line, app.passage) == (3, 2, safe_line(record))


def test_the_known_records_may_have_another_encoding(model_file: Path, tmp_path: Path) -> None:
    known = tmp_path / "known.txt"
    known.write_text("a\nb\nc\nab\nba\n", encoding="utf-16-le")
    options = "-m", model_file, "--count", 9, "--rng-seed", 1, "--new-only", "--corpus", known
    new = generate_text(*options, "--encoding", "utf-16-le").splitlines()
    assert not set(new) & {"a", "b", "c", "ab", "ba"}


def test_a_list_is_one_json_document(model_file: Path) -> None:
    options = "a", "-m", model_file, "--count", 12, "--rng-seed", 1
    records = json.loads(generate_text(*options, "--json"))
    assert [each["text"] for each in records] == generate_text(*options).splitlines()
    assert all(each["bits"] > 0 and each["is_whole"] for each in records)
    cut = json.loads(generate_text(*options, "--json", "--length", 1))
    assert not all(each["is_whole"] for each in cut)
    assert max(len(each["text"]) for each in cut) == 2


def test_records_of_several_lines_are_separated(tmp_path: Path) -> None:
    path = record_model_file(tmp_path / "poems.safetensors", "\nab", "blank-line")
    records = json.loads(generate_text("-m", path, "--count", 6, "--rng-seed", 1, "--json"))
    expected = records[0]["text"] + "\n"
    for record in records[1:]:
        expected += "\n" * ("\n" in record["text"]) + record["text"] + "\n"
    assert generate_text("-m", path, "--count", 6, "--rng-seed", 1) == expected


def test_new_ones_need_the_corpus(model_file: Path) -> None:
    error = invoke("-m", model_file, "--new-only", "--count", 2).exception
    assert isinstance(error, CorpusError)
    assert "--new-only needs the corpus of the model" in str(error)
    assert "--corpus" in str(error)


def test_without_new_records_it_ends_with_a_sentence(tmp_path: Path) -> None:
    path, known = record_model_file(tmp_path / "one.safetensors", "ab"), tmp_path / "known.txt"
    known.write_text("a\nb\n")
    result = invoke("-m", path, "--new-only", "--count", 3, "-n", 1, "--corpus", known, "--json")
    assert isinstance(result.exception, DataError)
    assert "1,000 in a row were empty, known or repeated" in str(result.exception)
    assert json.loads(result.stdout) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--originality"], "cannot be combined with"),
        (["--compare-temperatures", "0.5,1"], "cannot be combined with"),
    ],
)
def test_new_ones_are_not_watched_otherwise(
    model_file: Path, options: list[str], words: str
) -> None:
    error = invoke("-m", model_file, "--new-only", *options).exception
    assert isinstance(error, ConfigError)
    assert words in str(error)


def test_new_ones_are_of_records(tmp_path: Path) -> None:
    path = tiny_model_file(tmp_path / "plain.safetensors")
    error = invoke("-m", path, "--new-only").exception
    assert isinstance(error, ConfigError)
    assert "needs a model of records" in str(error)


def test_the_likeliest_text_is_written(tmp_path: Path) -> None:
    path = tiny_model_file(tmp_path / "plain.safetensors")
    stream = CharacterStream(load_model(path), SamplingConfig(forbid="a"))
    stream.prime("bad")
    found = search_likeliest(stream, 30, 4)
    options = "bad", "-m", path, "--most-likely", "--beam", 4, "-n", 30, "--forbid", "a"
    assert generate_text(*options) == "bad" + found.text
    document = json.loads(generate_text(*options, "--json", "--no-echo"))
    assert document["text"] == found.text
    assert document["log_probability"] == pytest.approx(found.log_probability)
    assert (document["beam"], document["length"], document["is_ended"]) == (4, 30, False)


@pytest.mark.parametrize(
    "options",
    [
        ["--temperature", "1"],
        ["--repetition-window", "5"],
        ["--count", "2"],
        ["--rng-seed", "1"],
        ["--new-only"],
        ["--originality"],
    ],
)
def test_the_likeliest_text_is_not_drawn(model_file: Path, options: list[str]) -> None:
    error = invoke("-m", model_file, "--most-likely", *options).exception
    assert isinstance(error, ConfigError)
    assert options[0] in str(error)


def test_a_beam_is_of_that_search(model_file: Path) -> None:
    error = invoke("-m", model_file, "--beam", "3").exception
    assert isinstance(error, ConfigError)
    assert "--beam requires --most-likely" in str(error)
