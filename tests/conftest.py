"""Every test runs in a home of its own: no test can see or touch the user's files."""

import os
import signal
from collections import Counter
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

# a busy machine is no reason for a test to fail
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# or every process that a test starts would compile all of its modules anew
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

_TIMES: Final = {"tensorflow": 20, "pty": 10}
"""By marker, how many times as long as another a test takes, about."""


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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: a test waits for as long as it computes."""
    has_affinity = hasattr(os, "sched_getaffinity")  # which macOS lacks
    return 1 + (len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1)


def pytest_configure(config: pytest.Config) -> None:
    """Have the workers take the files in our order, not by their numbers of tests."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long proofs out, unless they are asked for; begin with what takes longest."""
    if not config.getoption("--stress"):
        long = [item for item in items if item.get_closest_marker("stress")]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)
    times: Counter[Path] = Counter()
    for item in items:
        times[item.path] += _usual_time(item)
    items.sort(key=lambda item: -times[item.path])


def _usual_time(item: pytest.Item) -> int:
    """About how long a test takes, where one without a marker takes 1."""
    return max(time if item.get_closest_marker(name) else 1 for name, time in _TIMES.items())
