"""Where files are: the bundled corpora, themes and models, and the program's own of the user.

The only module that asks platformdirs. None of the user's folders need exist.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from tui_charrnn.errors import ModelFileError
from tui_charrnn.paths import parse_path
from tui_charrnn.translation import chosen_language, speaks_korean

_PACKAGE = Path(__file__).resolve().parent
_NAME = "charrnn-tui"
DEFAULT_MODEL = "shakespeare"
"""The bundled model where none is named."""
KOREAN_MODEL = "korean"
"""The one instead where the user's language, or that of the app, is Korean."""


def resource_folder(name: str) -> Path:
    """The folder of one kind of bundled file.

    A wheel carries `corpora` and `themes` inside the package; a checkout has them beside it.

    Raises:
        FileNotFoundError: If the installation lacks the folder.
    """
    for folder in (_PACKAGE / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"This installation lacks its folder {name!r}; install it again.")


def bundled_models() -> dict[str, Path]:
    """The models that come with the program, the default first, then by name; none if it has none.

    Everything else works without them.
    """
    try:
        paths = resource_folder("models").glob("*.safetensors")
    except FileNotFoundError:
        return {}
    models = {path.stem: path for path in sorted(paths)}
    is_korean = chosen_language() == "ko" or speaks_korean(os.environ)
    wanted = [KOREAN_MODEL, DEFAULT_MODEL] if is_korean else [DEFAULT_MODEL]
    return {name: models[name] for name in wanted if name in models} | models


def default_model() -> Path:
    """The model file where none is named.

    Raises:
        ModelFileError: If this installation lacks its models.
    """
    path = next(iter(bundled_models().values()), None)
    if path is None:
        raise ModelFileError(
            "No model came with this installation. Name a model file or a run with --model."
        )
    return path


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
