"""Every test runs in a home of its own: no test can see or touch the user's files."""

import gc
import inspect
import itertools
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import settings

from tui_charrnn.translation import set_language

ROOT: Final = Path(__file__).resolve().parent.parent

# a busy machine is no reason for a test to fail, nor is what is drawn for the first time
settings.register_profile("test", deadline=None, derandomize=True, max_examples=25, database=None)
settings.register_profile("stress", deadline=None)

# or every process would compile all of its modules anew, our tests among them
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_TIMES: Final = {"tensorflow": 20, "trainer": 20, "pty": 10}
"""By marker, how many times as long as another a test takes, about."""
_TIME_OF_AN_APP: Final = 10
"""The same of a test that opens an app."""
_NUMBERS: Final = itertools.count()
"""Of the tests of this process."""


# no test process loses its power: only the order of syncs is tested, on disks that note it
setattr(os, "fsync", os.fstat)  # noqa: B010  a descriptor that is not open is still refused


# Ctrl-C is ignored in the background jobs of a shell, and so it would be in all our children:
# those that are sent one would never end
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new folder; to number its own, pytest lists those of all tests before, at every test."""
    name = re.sub(r"\W", "_", request.node.name)[:30]
    folder = tmp_path_factory.getbasetemp() / f"{name}{next(_NUMBERS)}"
    folder.mkdir(mode=0o700)
    return folder


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


@pytest.fixture
def korean() -> Iterator[None]:
    """Everything is in Korean; see `tests/korean.py`."""
    set_language("ko")
    yield
    set_language("en")


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
    """Choose how much is drawn; have the workers take the files in our order."""
    settings.load_profile("stress" if config.getoption("--stress") else "test")
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file together, and those that load TensorFlow: two workers do it."""
    from xdist.scheduler.loadfile import LoadFileScheduling

    scheduling = LoadFileScheduling(config, log)
    scheduling._split_scope = lambda nodeid: _group_of(nodeid.partition("::")[0])
    return scheduling


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long proofs out, unless they are asked for; begin with what takes longest."""
    if "tensorflow" in sys.modules:
        raise pytest.UsageError("A test module loads TensorFlow where it is imported.")
    if not config.getoption("--stress"):
        long = [item for item in items if item.get_closest_marker("stress")]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)
    times: Counter[str] = Counter()
    groups = {item: _group_of(str(item.path)) for item in items}
    for item, group in groups.items():
        times[group] += _usual_time(item)
    items.sort(key=lambda item: -times[groups[item]])


def pytest_collection_finish() -> None:
    """Spare the collector of garbage all that was imported, and let it look less often.

    As often as it does by itself, it takes an eighth of the time of the tests of the app.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@cache
def _group_of(file: str) -> str:
    """What runs in one process: a file, or half of the files that load TensorFlow.

    Together they would be the last to end. The engine's are one half: what they trace, no run uses.
    """
    if b"pytest.mark.tensorflow" not in (ROOT / file).read_bytes():
        return file
    return "engine" if "training/engine/" in Path(file).as_posix() else "tensorflow"


def _usual_time(item: pytest.Item) -> int:
    """About how long a test takes, where one that only computes takes 1."""
    opens_app = inspect.iscoroutinefunction(getattr(item, "function", None))
    opens_app |= "snap_compare" in getattr(item, "fixturenames", ())
    times = [time for name, time in _TIMES.items() if item.get_closest_marker(name)]
    return max([*times, _TIME_OF_AN_APP if opens_app else 1])
