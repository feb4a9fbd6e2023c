"""Viewing runs imports neither NumPy nor TensorFlow, and imports have no side effects."""

import pkgutil
import subprocess
import sys
from pathlib import Path

import tui_charrnn.runs

ROOT = Path(__file__).parents[2]


def test_no_module_of_the_package_loads_numpy() -> None:
    modules = [
        f"tui_charrnn.runs.{module.name}"
        for module in pkgutil.iter_modules(tui_charrnn.runs.__path__)
    ]
    assert len(modules) > 15
    code = (
        f"import sys, {', '.join(modules)}\n"
        "print(sorted({'numpy', 'tensorflow', 'textual', 'safetensors'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"


def test_importing_leaves_no_trace(isolated_home: Path) -> None:
    code = "import tui_charrnn.runs.catalogue, tui_charrnn.runs.lifecycle"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert list(isolated_home.iterdir()) == []
