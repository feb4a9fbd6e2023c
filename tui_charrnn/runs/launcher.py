"""Starts a trainer as a process of its own, which outlives the one that started it."""

import importlib.metadata
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import tui_charrnn
from tui_charrnn.errors import ConfigError, StorageError, reason_of
from tui_charrnn.invocation import PROGRAM
from tui_charrnn.runs.file_system import PRIVATE_FILE
from tui_charrnn.runs.foreign_parts import refuse_foreign_parts
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.translation import tr

APP_VARIABLES: Final = ("OPENBLAS_NUM_THREADS", "TEXTUAL_DISABLE_KITTY_KEY")
"""What the app sets for itself; a trainer must not inherit it."""
LIBRARY_VARIABLES: Final = {
    "KERAS_BACKEND": "tensorflow",
    "KERAS_HOME": f"{os.devnull}/keras",  # cannot exist: no keras.json is read, none is written
    "KERAS_NNX_ENABLED": "false",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}
"""What TensorFlow and Keras must find in the environment before they are imported."""
_TRAINS: Final = ("tensorflow", "keras")


def require_tensorflow() -> None:
    """Make sure that what trains is installed; nothing of it is loaded.

    Raises:
        ConfigError: If it is not, as where a viewer alone was installed; with the command for it.
    """
    missing = [name for name in _TRAINS if importlib.util.find_spec(name) is None]
    if missing:
        install = shlex.join([sys.executable, "-m", "pip", "install", *map(_requirement, missing)])
        raise ConfigError(
            "Training needs {packages}, not installed here; all else works without. "
            "Install with: {command}",
            packages=tr(" and ").join(missing),
            command=install,
        )


def _requirement(name: str) -> str:
    """What pip is asked for: a package with the bounds that this one names."""
    try:
        asked = importlib.metadata.requires(PROGRAM) or []
    except importlib.metadata.PackageNotFoundError:  # run from a checkout, not installed
        asked = []
    return next((each for each in asked if re.fullmatch(rf"{name}[<>=!~,.\d]*", each)), name)


TRAINER: Final = (sys.executable, "-P", "-m", "tui_charrnn.training")
"""-P: what is imported never depends on the folder that the trainer runs in."""


def launch_trainer(
    run: RunDirectory,
    *,
    max_time: float | None = None,
    accepts_change: bool = False,
    placement: Sequence[str] = (),
    kept_open: Sequence[int] = (),
) -> "subprocess.Popen[bytes]":
    """Start `python -m tui_charrnn.training RUN` in a session of its own.

    It shares nothing with this process: no terminal, no standard input, and what it prints goes
    to the run's trainer.log. Quitting or killing this process does not touch it.

    Args:
        run: A run that `create_run` made.
        max_time: Seconds after which the trainer saves and leaves, in place of the run's own.
        accepts_change: Whether it continues although the corpus has changed.
        placement: Its options for devices and processes.
        kept_open: Descriptors that it inherits.

    Raises:
        ConfigError: If what trains is not installed.
        RunError: If a part of the run is a link, a pipe or a device.
        StorageError: If the log cannot be written or the process cannot be started.
    """
    require_tensorflow()
    path = run.path.absolute()
    command = [*TRAINER, str(path)]
    if max_time is not None:
        command += ["--max-time", f"{max_time:.3f}"]
    if accepts_change:
        command.append("--force")
    command += placement
    refuse_foreign_parts(run)
    try:
        with open(RunDirectory(path).log, "ab", opener=_open_privately) as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",  # no folder is kept busy
                env=trainer_environment(os.environ),
                start_new_session=True,
                pass_fds=kept_open,
            )
    except OSError as error:
        raise StorageError(
            "Cannot start the trainer of {path}: {reason}.", path=path, reason=reason_of(error)
        ) from error


def _open_privately(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, PRIVATE_FILE)


def trainer_environment(ours: Mapping[str, str]) -> dict[str, str]:
    """This process's environment as the trainer gets it.

    Without what the app set for itself, with what its libraries must find, and with a PYTHONPATH
    that finds the same package from any folder.
    """
    environment = {name: value for name, value in ours.items() if name not in APP_VARIABLES}
    environment |= LIBRARY_VARIABLES
    entries = [
        str(Path(entry).absolute()) for entry in ours.get("PYTHONPATH", "").split(":") if entry
    ]
    package_parent = Path(tui_charrnn.__file__).resolve().parent.parent
    installed = {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}
    if package_parent not in installed:  # a checkout
        entries.insert(0, str(package_parent))
    if entries:
        environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(entries))
    return environment
