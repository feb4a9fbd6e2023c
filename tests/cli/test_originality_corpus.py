"""Where `generate --originality` finds the text that a model was trained on."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.support.command import invoke_alone
from tests.support.fake_run import created_run
from tests.support.tiny_model import TINY_VOCABULARY, random_tensors, tiny_config
from tui_charrnn.cli.generate import generate
from tui_charrnn.errors import CorpusError
from tui_charrnn.model.checkpoint import serialize_model
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.text.catalogue import load_catalogue
from tui_charrnn.text.suffix_index import SuffixIndex, index_path, open_index, store_index
from tui_charrnn.text.vocabulary import Vocabulary

TEXT = "abc abd\nface a bead\n" * 20
TINY_SHAKESPEARE = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def model_trained_on(
    path: Path, corpus: Mapping[str, object], *, run: str = "", vocabulary: str = TINY_VOCABULARY
) -> Path:
    config = tiny_config()
    tensors = random_tensors(config, len(vocabulary))
    known = Vocabulary(vocabulary)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(serialize_model(tensors, config, known, corpus=corpus, training={"run": run}))
    return path


def ask(*arguments: object) -> Result:
    return invoke_alone(generate, "-n", 30, "--rng-seed", 1, *arguments)


def compared_with(*arguments: object) -> Any:
    result = ask("--originality", "--json", *arguments)
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout.splitlines()[-1])["originality"]["corpus"]


def run_of(folder: Path) -> RunDirectory:
    return created_run(folder, name="mine", text=TEXT)


def facts_of(run: RunDirectory) -> dict[str, object]:
    reference = read_description(run).corpus
    return {"name": reference.name, "sha256": reference.sha256}


def test_a_kept_index_is_enough(tmp_path: Path) -> None:
    sha256 = sha256_of(TEXT)
    store_index(SuffixIndex.of(TEXT), sha256)
    model = model_trained_on(tmp_path / "model", {"name": "gone", "sha256": sha256})

    found = compared_with("--model", model)

    assert found == {"name": "gone", "sha256": sha256, "characters": len(TEXT)}


def test_the_run_around_a_model_knows_its_text(tmp_path: Path) -> None:
    run = run_of(tmp_path / "elsewhere")
    model = model_trained_on(run.live_model, facts_of(run))

    assert compared_with("--model", model)["sha256"] == sha256_of(TEXT)
    assert open_index(sha256_of(TEXT)) is not None


def test_the_run_that_a_mailed_model_names_knows_its_text(tmp_path: Path) -> None:
    run = run_of(tmp_path / "runs")
    model = model_trained_on(tmp_path / "mail" / "model", facts_of(run), run="mine")

    found = compared_with("--model", model, "--runs-dir", run.path.parent)

    assert found["sha256"] == sha256_of(TEXT)


def test_a_named_text_in_another_encoding_is_decoded(tmp_path: Path) -> None:
    text, model = tmp_path / "latin.txt", model_trained_on(tmp_path / "model", {})
    text.write_bytes(b"caf\xe9\n" * 9)
    options = "--model", model, "--corpus", text

    refused = ask("--originality", *options)

    assert "Name the file's encoding with --encoding" in str(refused.exception)
    found = compared_with(*options, "--encoding", "latin-1")
    assert found["sha256"] == sha256_of("café\n" * 9)


def test_the_catalogue_has_a_text_that_was_downloaded(tmp_path: Path) -> None:
    load_catalogue()["linux"].store(TEXT.encode())
    facts = {"name": "called otherwise", "sha256": sha256_of(TEXT)}

    found = compared_with("--model", model_trained_on(tmp_path / "model", facts))

    assert found["name"] == "linux"


def test_a_text_that_has_changed_is_not_taken(tmp_path: Path) -> None:
    run = run_of(tmp_path / "runs")
    model = model_trained_on(run.live_model, facts_of(run))
    Path(read_description(run).corpus.sources[0]).write_text("another text", encoding="utf-8")

    result = ask("--originality", "--model", model)

    assert isinstance(result.exception, CorpusError)
    assert "is no longer the text" in str(result.exception)
    assert str(result.exception).endswith("Name a text with --corpus.")
    assert not result.stdout


def test_another_text_of_the_same_name_is_not_taken(tmp_path: Path) -> None:
    load_catalogue()["linux"].store(b"another text")
    facts = {"name": "linux", "sha256": sha256_of(TEXT)}

    result = ask("--originality", "--model", model_trained_on(tmp_path / "model", facts))

    assert "The text 'linux' here differs" in str(result.exception)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            {"name": "notes", "sha256": "0" * 64},
            "'notes', was not found here. Name a text with --corpus.",
        ),
        (
            {"name": "x", "sha256": TINY_SHAKESPEARE},
            "`charrnn-tui corpora inspect shakespeare` downloads it.",
        ),
        ({"name": "notes"}, "The model file does not name its training text."),
        ({"name": 5, "sha256": ["hostile"]}, "was not found here."),
    ],
)
def test_a_missing_text_is_reported(
    tmp_path: Path, facts: dict[str, object], sentence: str
) -> None:
    result = ask("--originality", "--model", model_trained_on(tmp_path / "model", facts))

    assert isinstance(result.exception, CorpusError)
    assert sentence in str(result.exception)
    assert not result.stdout


def test_a_named_corpus_overrides_the_one_of_the_model(tmp_path: Path) -> None:
    file = tmp_path / "other.txt"
    file.write_text(TEXT, encoding="utf-8")
    model = model_trained_on(tmp_path / "model", {"name": "notes", "sha256": "0" * 64})

    found = compared_with("--model", model, "--corpus", file)

    assert found == {"name": "other", "sha256": sha256_of(TEXT), "characters": len(TEXT)}


@pytest.mark.parametrize(("vocabulary", "ends"), [("\n ab", "\n"), ("\r\n ab", "\r\n")])
def test_line_ends_are_read_as_the_model_writes_them(
    tmp_path: Path, vocabulary: str, ends: str
) -> None:
    file = tmp_path / "other.txt"
    file.write_bytes(b"a\r\nb\r\n")
    facts = {"name": "notes", "sha256": "0" * 64}
    model = model_trained_on(tmp_path / "model", facts, vocabulary=vocabulary)

    assert compared_with("--model", model, "--corpus", file)["sha256"] == sha256_of(
        f"a{ends}b{ends}"
    )


def test_an_index_that_cannot_be_stored_is_reported_and_still_compared(tmp_path: Path) -> None:
    file = tmp_path / "other.txt"
    file.write_text(TEXT, encoding="utf-8")
    index_path("").parent.parent.mkdir(parents=True)
    index_path("").parent.write_text("in the way", encoding="utf-8")
    model = model_trained_on(tmp_path / "model", {})

    result = ask("--model", model, "--corpus", file)

    assert result.exit_code == 0
    assert "cannot be kept in" in result.stderr
    assert "Longest copied passage: " in result.stderr
