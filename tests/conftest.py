"""Every test runs in a home of its own: no test can see or touch the user's files."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# a busy machine is no reason for a test to fail
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


# Ctrl-C is ignored in the background jobs of a shell, and so it would be in all our children:
# those that are sent one would never end
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def isolated_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, and runs, data and cache folders inside it."""
    home = tmp_path / "home"
    home.mkdir()
    for variable in [name for name in os.environ if name.startswith("CHARRNN_")]:
        monkeypatch.delenv(variable)
    for variable, folder in {
        "HOME": home,
        "XDG_CONFIG_HOME": home / "config",
        "XDG_DATA_HOME": home / "data",
        "XDG_CACHE_HOME": home / "cache",
        "XDG_STATE_HOME": home / "state",
        "CHARRNN_RUNS": home / "runs",
    }.items():
        monkeypatch.setenv(variable, str(folder))
    for variable in (
        "NO_COLOR",
        "FORCE_COLOR",
        "COLUMNS",
        "LINES",
    ):
        monkeypatch.delenv(variable, raising=False)
    return home


def pytest_addoption(parser: pytest.Parser) -> None:
    """Know `--stress`, with which the long proofs run too (`make stress`)."""
    parser.addoption("--stress", action="store_true", help="also the tests that take minutes")
    parser.addoption(
        "--draws",
        type=int,
        default=0,
        help="another number: what a loss of power leaves is another",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long proofs out, unless they are asked for."""
    if not config.getoption("--stress"):
        long = [item for item in items if item.get_closest_marker("stress")]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)
