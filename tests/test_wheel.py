"""The wheel works without the checkout: its models, texts and themes are inside."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT], check=True)
    wheel = next(folder.glob("*.whl"))
    target = folder / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", target, wheel], check=True)
    return target


def output_of(installed: Path, *words: str) -> str:
    """Output of a command outside the checkout, with the installed package first in the path."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, "-P", *words],
        cwd=installed.parent,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_the_installed_program_generates_and_knows_its_texts(installed: Path) -> None:
    where = output_of(installed, "-c", "import tui_charrnn; print(tui_charrnn.__file__)")
    assert Path(where.strip()).is_relative_to(installed)
    program = ("-m", "tui_charrnn")
    text = output_of(installed, *program, "generate", "ROMEO:", "-n", "40", "--no-history")
    assert len(text) == len("ROMEO:") + 40
    assert "shakespeare" in output_of(installed, *program, "models")
    assert "pydoc" in output_of(installed, *program, "corpora")
    korean = installed / "tui_charrnn" / "korean"
    assert {path.name for path in korean.iterdir()} == {
        path.name for path in (ROOT / "tui_charrnn" / "korean").iterdir()
    }
    themes = installed / "tui_charrnn" / "themes"
    assert {path.name for path in themes.iterdir()} >= {
        path.name for path in (ROOT / "themes").iterdir()
    }
