"""Where the program's own files are in the user's home, or where a variable names.

The only module that asks platformdirs. None of these folders need exist.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from tui_charrnn.paths import parse_path

_NAME = "charrnn-tui"


def home_folder() -> Path:
    """The user's home."""
    return Path.home()


def data_folder() -> Path:
    """Runs, saved texts and the history."""
    return Path(platformdirs.user_data_dir(_NAME, appauthor=False))


def config_folder() -> Path:
    """The settings and the user's own themes."""
    return Path(platformdirs.user_config_dir(_NAME, appauthor=False))


def state_folder() -> Path:
    """What is not the user's work, such as crash reports."""
    return Path(platformdirs.user_state_dir(_NAME, appauthor=False))


def cache_folder() -> Path:
    """What can be made again: $CHARRNN_CACHE if it is set, else in the user's cache.

    Raises:
        ConfigError: If the variable names no path.
    """
    chosen = path_in("CHARRNN_CACHE")
    return chosen or Path(platformdirs.user_cache_dir(_NAME, appauthor=False))


def default_runs_folder() -> Path:
    """Where runs are kept: $CHARRNN_RUNS if it is set, else in the user's data.

    Raises:
        ConfigError: If the variable names no path.
    """
    return path_in("CHARRNN_RUNS") or data_folder() / "runs"


def path_in(variable: str, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The path that an environment variable holds; None if it is not set, or blank.

    Raises:
        ConfigError: If it is no path.
    """
    value = environment.get(variable, "").strip()
    return parse_path(value, variable) if value else None
