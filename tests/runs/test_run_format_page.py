"""docs/run-format.md names every file, field, record kind, state and request that there is."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from tui_charrnn.config import ModelConfig
from tui_charrnn.runs.checkpoints import Pointer
from tui_charrnn.runs.control import REQUESTS
from tui_charrnn.runs.description import CorpusReference, RunDescription, RunState, RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import LOST_AFTER, LOST_ALTHOUGH_RUNNING_AFTER, SILENT_AFTER
from tui_charrnn.runs.records import KINDS, Record
from tui_charrnn.runs.writer import BACKLOG_LIMIT

PAGE = (Path(__file__).parents[2] / "docs" / "run-format.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    """Return the text from a heading to the next one of any level."""
    body = PAGE.partition(f"{heading}")[2]
    assert body, f"the page lacks {heading!r}"
    return re.split(r"^#+ ", body, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[str]:
    """Return the first column of the tables in a text."""
    return re.findall(r"^\| `(\S+)` \|", text, flags=re.MULTILINE)


@pytest.mark.parametrize(("kind", "record"), KINDS.items())
def test_every_record_has_a_table_of_its_fields(kind: str, record: type[Record]) -> None:
    assert rows(section(f"#### `{kind}`: ")) == [item.name for item in fields(record)]


@pytest.mark.parametrize(
    ("heading", "document", "extra"),
    [
        ("## 2. run.json", RunDescription, ["format"]),
        ("### 2.1 model", ModelConfig, []),
        ("### 2.3 corpus", CorpusReference, []),
        ("## 3. state.json", RunStatus, ["format"]),
        ("### latest.json and best.json", Pointer, ["format"]),
    ],
)
def test_every_document_has_a_table_of_its_fields(
    heading: str, document: type[RunDescription], extra: list[str]
) -> None:
    assert rows(section(heading)) == [*extra, *(item.name for item in fields(document))]


def test_every_state_is_listed() -> None:
    assert rows(section("### 3.1 States")) == [state.value for state in RunState]


def test_every_request_is_named() -> None:
    assert all(f"`{request}`" in section("## 6. control/") for request in REQUESTS)


def test_every_file_is_drawn() -> None:
    run = RunDirectory(Path("RUN"))
    paths = [getattr(run, name) for name in vars(RunDirectory)]
    names = {path.name for path in paths if isinstance(path, Path)} - {"RUN"}
    assert len(names) > 10
    assert all(name in section("## 1. The folder") for name in names)


def test_the_numbers_are_those_of_the_program() -> None:
    liveness = section("### 3.2 Alive or lost")
    for seconds in (SILENT_AFTER, LOST_AFTER, LOST_ALTHOUGH_RUNNING_AFTER):
        assert f"{seconds:g}" in liveness
    assert f"{BACKLOG_LIMIT:,}" in section("## 4. events.jsonl")
