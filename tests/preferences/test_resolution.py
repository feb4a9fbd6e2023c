"""Which value of a setting holds, and what is said about those that cannot."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.preferences import Origin, Preferences, Resolution, resolve, variable_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def resolve_in(
    environment: dict[str, str],
    flags: dict[str, Any] | None = None,
    *,
    wanted: Collection[str] | None = None,
) -> Resolution:
    """The preferences where these are the program's only variables."""
    others = {name: text for name, text in os.environ.items() if not name.startswith("CHARRNN_")}
    with mock.patch.dict(os.environ, others | environment, clear=True):
        return resolve(flags, wanted=wanted)


def resolved(file: Path, text: str, *, flags: dict[str, object] | None = None) -> Resolution:
    file.write_text(text, encoding="utf-8")
    return resolve_in({"CHARRNN_CONFIG": str(file)}, flags)


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    found = resolve_in({})
    assert found.checked() == Preferences()
    assert set(found.origins.values()) == {Origin.DEFAULT}
    assert found.preferences.sampling() == SamplingConfig()
    assert not found.file.exists()


def test_flags_go_before_the_environment_before_the_file(file: Path) -> None:
    file.write_text("temperature = 0.1\ntop_p = 0.1\ntop_k = 1\n", encoding="utf-8")
    environment = {
        "CHARRNN_CONFIG": str(file),
        "CHARRNN_TEMPERATURE": "0.2",
        "CHARRNN_TOP_P": "0.2",
    }
    found = resolve_in(environment, {"temperature": "0.3", "pace": None})
    sampling = found.checked().sampling()
    assert (sampling.temperature, sampling.top_p, sampling.top_k) == (0.3, 0.2, 1)
    assert [found.origins[name] for name in ("temperature", "top_p", "top_k", "pace")] == [
        Origin.FLAG,
        Origin.ENVIRONMENT,
        Origin.FILE,
        Origin.DEFAULT,
    ]


def test_everything_can_be_set_in_the_file_and_in_the_environment(file: Path) -> None:
    values = {
        "language": "ko",
        "theme": "nord",
        "pace": 45,
        "temperature": 1,
        "top_k": 4,
        "top_p": 0.5,
        "min_p": 0.25,
        "repetition_penalty": 1.5,
        "repetition_window": 32,
        "rng_seed": 9,
        "length": 77,
        "model": "my run",
        "numbers": "auto",
        "runs_dir": "~/runs",
        "glyphs": "blocks",
        "ascii": True,
        "reduced_motion": True,
        "mouse": False,
        "history": False,
        "notify": "osc9",
        "notify_command": "notify-send done",
        "seed_history": False,
    }
    assert values.keys() == Preferences.bounds().keys()
    lines = [
        f"{k} = {str(v).lower() if isinstance(v, bool) else repr(v)}" for k, v in values.items()
    ]
    assert resolved(file, "\n".join(lines)).checked().to_mapping() == values
    environment = {variable_of(name): str(value) for name, value in values.items()}
    assert resolve_in(environment).checked().to_mapping() == values


@pytest.mark.parametrize(("word", "value"), [("max", None), ("none", None), (" 12 ", 12)])
def test_a_pace_is_a_number_or_max(word: str, value: int | None) -> None:
    assert resolve_in({}, {"pace": word}).checked().pace == value


def test_what_is_off_in_a_nearer_place_wins_over_what_is_on_further_away(file: Path) -> None:
    assert resolved(file, "top_k = 4", flags={"top_k": "none"}).checked().top_k is None


@pytest.mark.parametrize(("word", "value"), [("1", True), ("off", False), ("TRUE", True)])
def test_switches_are_written_in_many_ways(word: str, value: bool) -> None:
    assert resolve_in({"CHARRNN_ASCII": word}).checked().ascii is value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("temprature = 1", "There is no setting 'temprature'. Did you mean 'temperature'?"),
        ("key = 1", "There is no setting 'key'. Did you mean 'keys'?"),
        ("xyzzy = 1", "There is no setting 'xyzzy'."),
        ("pace = 'fast'", "pace must be at least 1 and at most 100,000, or max. Received: 'fast'."),
        ("pace = true", "pace must be at least 1 and at most 100,000, or max. Received: True."),
        ("temperature = nan", "temperature must be at least 0 and at most 100. Received: nan."),
        (
            "glyphs = 'dots'",
            "glyphs must be one of auto, braille, blocks, ascii. Received: 'dots'.",
        ),
        ("mouse = 'yes'", "mouse must be true or false. Received: 'yes'."),
        ("theme = ''", "theme must be a text, or none. Received: ''."),
        ("top_k = [1]", "top_k must be at least 1, or none. Received: [1]."),
        ("keys = 3", "keys must be a table, as [keys]. Received: 3."),
        ("keys.text.more = 3", "keys.text.more must be the name of a key in quotes"),
        ("keys.text.more = []", "keys.text.more must be the name of a key in quotes"),
        ("pace = ", "is not valid TOML"),
        ("pace = 1\npace = 2", "is not valid TOML"),
    ],
)
def test_what_is_not_right_is_told_with_its_file(file: Path, text: str, sentence: str) -> None:
    found = resolved(file, text)
    assert found.preferences == Preferences()
    with pytest.raises(ConfigError) as refusal:
        found.checked()
    assert str(refusal.value).startswith(str(file))
    assert sentence in str(refusal.value)


def test_a_bad_value_leaves_the_good_ones_in_force(file: Path) -> None:
    found = resolved(file, "pace = 0\ntemperature = 2\nnonsense = 1\n[keys]\n'text.more' = 'f10'")
    assert found.preferences == Preferences(temperature=2)
    assert found.keys == {"text.more": "f10"}
    assert len(found.problems) == 2


def test_a_bad_variable_is_told_by_its_name(file: Path) -> None:
    found = resolve_in({"CHARRNN_PACE": "often", "CHARRNN_RUNS": "/somewhere"})
    assert found.preferences.runs_dir == "/somewhere"
    (problem,) = found.problems
    assert problem.startswith("CHARRNN_PACE: pace must be")
    assert "'often'" in problem


def test_a_broken_file_does_not_matter_to_what_is_settled_before_it(file: Path) -> None:
    file.write_text("no TOML", encoding="utf-8")
    environment = {"CHARRNN_CONFIG": str(file), "CHARRNN_RUNS": "/somewhere"}
    assert resolve_in(environment, wanted=["runs_dir"]).checked().runs_dir == "/somewhere"
    with pytest.raises(ConfigError):
        resolve_in(environment, wanted=["runs_dir", "pace"]).checked()


def test_what_a_command_does_not_need_does_not_stop_it(file: Path) -> None:
    file.write_text("pace = 0\nnew_setting = 1\n[keys]\n'text.more' = 3", encoding="utf-8")
    environment = {"CHARRNN_CONFIG": str(file)}
    assert resolve_in(environment, wanted=["runs_dir"]).checked().runs_dir is None
    file.write_text("runs_dirr = '/somewhere'", encoding="utf-8")
    with pytest.raises(ConfigError, match="Did you mean 'runs_dir'"):
        resolve_in(environment, wanted=["runs_dir"]).checked()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"#" * 300_000])
def test_a_file_that_is_no_text_of_ours_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    found = resolve_in({"CHARRNN_CONFIG": str(file)})
    assert found.preferences == Preferences()
    assert len(found.problems) == 1
    assert found.problems[0].startswith(str(file))


def test_a_byte_order_mark_is_ignored(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfpace = 7\n")
    assert resolve_in({"CHARRNN_CONFIG": str(file)}).checked().pace == 7


def test_a_named_file_must_be_there_and_be_a_file(tmp_path: Path) -> None:
    missing = resolve_in({"CHARRNN_CONFIG": str(tmp_path / "none.toml")})
    assert "does not exist" in missing.problems[0]
    folder = resolve_in({"CHARRNN_CONFIG": str(tmp_path)})
    assert "cannot be read" in folder.problems[0]


@pytest.mark.parametrize(
    "text",
    [
        "[keys]\n'text.more' = ['f10', 'ctrl+g']",
        "[keys]\ntext.more = 'f10,ctrl+g'",
        "[keys.text]\nmore = ['f10', ' ctrl+g ']",
    ],
)
def test_keys_are_named_in_any_way_that_toml_has(file: Path, text: str) -> None:
    found = resolved(file, text)
    assert found.checked() == Preferences()
    assert found.keys == {"text.more": "f10,ctrl+g"}
