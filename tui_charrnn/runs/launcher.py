"""Starts a trainer as a separate process, which outlives this one."""

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
from tui_charrnn.runs.layout import RunDirectory, refuse_foreign_parts
from tui_charrnn.runs.storage import Storage
from tui_charrnn.translation import tr

APP_VARIABLES: Final = ("OPENBLAS_NUM_THREADS", "TEXTUAL_DISABLE_KITTY_KEY")
"""Environment variables of the app that a trainer must not inherit."""
LIBRARY_VARIABLES: Final = {
    "KERAS_BACKEND": "tensorflow",
    "KERAS_HOME": f"{os.devnull}/keras",  # cannot exist, so no keras.json is read or written
    "KERAS_NNX_ENABLED": "false",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}
"""Environment variables that must be set before TensorFlow and Keras are imported."""
_TRAINING_PACKAGES: Final = ("tensorflow", "keras")


def require_tensorflow() -> None:
    """Check that TensorFlow and Keras are installed, without importing them.

    Raises:
        ConfigError: If one is missing (a viewer-only installation), with the install command.
    """
    missing = [name for name in _TRAINING_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        install = shlex.join([sys.executable, "-m", "pip", "install", *map(_requirement, missing)])
        raise ConfigError(
            "Training needs {packages}, not installed here; everything else works without. "
            "Install with: {command}",
            packages=tr(" and ").join(missing),
            command=install,
        )


def _requirement(name: str) -> str:
    """Return a package name with this program's version bounds, for pip."""
    try:
        required = importlib.metadata.requires(PROGRAM) or []
    except importlib.metadata.PackageNotFoundError:  # run from a checkout, not installed
        required = []
    return next((each for each in required if re.fullmatch(rf"{name}[<>=!~,.\d]*", each)), name)


TRAINER: Final = (sys.executable, "-P", "-m", "tui_charrnn.training")
"""-P: imports do not depend on the trainer's working folder."""


def launch_trainer(
    run: RunDirectory, *options: str, kept_open: Sequence[int] = ()
) -> "subprocess.Popen[bytes]":
    """Start `python -m tui_charrnn.training RUN` with its options, in a session of its own.

    It has no terminal and no standard input, and its output goes to the run's trainer.log. It
    continues when this process quits or is killed. `kept_open` has the descriptors that it
    inherits.

    Raises:
        ConfigError: If TensorFlow or Keras is not installed.
        RunError: If a part of the run is a link, a pipe or a device.
        StorageError: If the log cannot be written or the process cannot be started.
    """
    require_tensorflow()
    path = run.path.absolute()
    refuse_foreign_parts(run)
    with Storage(inside=path).open_to_append(RunDirectory(path).log) as log:
        try:
            return subprocess.Popen(
                [*TRAINER, str(path), *options],
                stdin=subprocess.DEVNULL,
                stdout=log.descriptor,
                stderr=log.descriptor,
                cwd="/",  # so that no folder is kept from being removed or unmounted
                env=trainer_environment(os.environ),
                start_new_session=True,
                pass_fds=kept_open,
            )
        except OSError as error:
            raise StorageError(
                "Cannot start the trainer of {path}: {reason}.", path=path, reason=reason_of(error)
            ) from error


def trainer_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the trainer's environment, derived from this process's.

    The app's variables are removed, `LIBRARY_VARIABLES` are added, and PYTHONPATH is set so that
    the trainer imports this package from any folder.
    """
    environment = {name: value for name, value in inherited.items() if name not in APP_VARIABLES}
    environment |= LIBRARY_VARIABLES
    entries = [
        str(Path(entry).absolute()) for entry in inherited.get("PYTHONPATH", "").split(":") if entry
    ]
    package_parent = Path(tui_charrnn.__file__).resolve().parent.parent
    installed = {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}
    if package_parent not in installed:  # a checkout
        entries.insert(0, str(package_parent))
    if entries:
        environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(entries))
    return environment
