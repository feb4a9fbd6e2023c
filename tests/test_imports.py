"""Imports of entry points, measured in a child process: static contracts miss late imports."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tui_charrnn import lazy

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "tui_charrnn").rglob("*.py")
    if path.name != "__main__.py"
)
LIGHT_TRAINING = [
    "context",
    "creation",
    "distributed",
    "distributed.placement",
    "distributed.roles",
    "failures",
    "history",
    "instruments",
    "interruption",
    "loop",
    "machine",
    "nvidia",
    "plan",
    "preparation",
    "saving",
    "session",
    "state_file",
    "timing",
    "trial_facts",
    "usage",
    "worker",
]
"""What a trainer needs until it says that it loads TensorFlow, and what tells how it stands or what
a machine has."""
WITHOUT_TENSORFLOW = [
    name
    for name in MODULES
    if not name.startswith("tui_charrnn.training.")
    or name.removeprefix("tui_charrnn.training.") in LIGHT_TRAINING
]


def loaded_by(code: str, *, home: Path) -> set[str]:
    """The modules that a child has loaded after some code."""
    ended = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('MODULES', *sys.modules)"],
        capture_output=True,
        check=True,
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    return set(ended.stdout.rpartition("MODULES ")[2].split())


def test_only_the_engine_needs_tensorflow(tmp_path: Path) -> None:
    code = "\n".join(f"import {name}" for name in WITHOUT_TENSORFLOW)
    assert loaded_by(code, home=tmp_path).isdisjoint({"tensorflow", "keras"})


def test_importing_writes_nothing(tmp_path: Path, isolated_home: Path) -> None:
    code = "\n".join(f"import {name}" for name in WITHOUT_TENSORFLOW)
    work = tmp_path / "work"
    work.mkdir()
    loaded_by(code, home=work)
    assert list(isolated_home.rglob("*")) == []
    assert list(work.rglob("*")) == []


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["train", "--help"], ["generate", "--help"], ["doctor", "--help"], ["corpora"]],
)
def test_help_and_lists_load_no_engine(tmp_path: Path, arguments: list[str]) -> None:
    code = f"from tui_charrnn.cli.main import run; run({arguments!r})"
    loaded = loaded_by(code, home=tmp_path)
    assert loaded.isdisjoint({"tensorflow", "keras", "textual"})


def test_a_command_loads_no_other_command(tmp_path: Path) -> None:
    code = "from tui_charrnn.cli.main import run; run(['config', '--help'])"
    loaded = loaded_by(code, home=tmp_path)
    ours = {name.removeprefix("tui_charrnn.cli.") for name in loaded if "tui_charrnn.cli." in name}
    assert "config" in ours
    assert ours.isdisjoint({"train", "generate", "runs", "corpora", "doctor", "resume"})


def test_generating_loads_no_tensorflow(tmp_path: Path) -> None:
    code = "from tui_charrnn.cli.main import run; run(['generate', 'ROMEO:', '-n', '20'])"
    loaded = loaded_by(code, home=tmp_path)
    assert loaded.isdisjoint({"tensorflow", "keras", "textual", "numkong", "numpy.ma"})
    assert "tui_charrnn.runs.catalogue" not in loaded
    assert "numpy" in loaded


def test_the_first_character_waits_for_nothing_that_only_others_need(tmp_path: Path) -> None:
    code = """
from functools import partial
from pathlib import Path
from tui_charrnn import lazy
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.session import Session
from tui_charrnn.tui.text.model_loader import ModelLoader, ModelRequest

session = Session(runs_folder=Path("none"))
load = partial(ModelLoader().load, ModelRequest.of(session))
task = BackgroundTask("start", lambda _: None)
lazy.start_tape(load, None, session.settings, task).tape.next()
"""
    loaded = loaded_by(code, home=tmp_path)
    assert "numpy" in loaded
    assert loaded.isdisjoint({
        *("numpy.ma", "numkong", "textual.app"),
        *("tui_charrnn.runs.catalogue", "tui_charrnn.runs.reader"),
        *("tui_charrnn.generation.tape_file", "tui_charrnn.text.decoding"),
        "tui_charrnn.tui.text.external_text",
    })


AREAS = ("history", "new_run", "pages", "run", "runs", "tape", "xray")


def test_what_is_loaded_later_is_what_type_checkers_see() -> None:
    tree = ast.parse(Path(lazy.__file__).with_suffix(".pyi").read_text("utf-8"))
    seen = {alias.name for each in tree.body for alias in getattr(each, "names", [])}
    assert seen == set(lazy._MODULES)
    assert all(getattr(lazy, name) is not None for name in seen)


@pytest.mark.parametrize("area", AREAS)
def test_an_area_of_the_screen_loads_nothing_of_another(area: str) -> None:
    files = (ROOT / "tui_charrnn" / "tui" / area).rglob("*.py")
    names = {name for file in files for name in re.findall(r"lazy\.(\w+)", file.read_text("utf-8"))}
    others = tuple(f"tui_charrnn.tui.{other}." for other in AREAS if other != area)
    assert not [name for name in names if lazy._MODULES[name].startswith(others)]
