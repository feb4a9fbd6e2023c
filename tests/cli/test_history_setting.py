"""The setting `history`, and the option of `generate` that overrides it."""

import re
from pathlib import Path

import pytest

from tests.support.command import run_program
from tests.support.tiny_model import tiny_model_file
from tui_charrnn.history.store import History


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_model_file(tmp_path / "model.safetensors")


def test_the_flag_goes_before_the_environment_before_the_file(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("history = false\n", encoding="utf-8")
    off = {"CHARRNN_CONFIG": str(file)}

    def kept_after(variables: dict[str, str], *flags: str) -> int:
        words = ("generate", "bad", "-n", "3", "--model", str(model), *flags)
        ended = run_program(*words, variables=variables)
        assert ended.returncode == 0, ended.stderr.decode()
        return History().count()

    assert kept_after(off) == 0
    assert kept_after({**off, "CHARRNN_HISTORY": "on"}, "--no-history") == 0
    assert kept_after({**off, "CHARRNN_HISTORY": "on"}) == 1
    assert kept_after(off, "--history") == 2
    shown = run_program("config", "show", variables=off).stdout.decode()
    assert re.search(r"^history +false +file$", shown, re.MULTILINE)
