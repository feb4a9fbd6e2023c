"""Paths of the bundled corpora, themes and models, and of the program's folders for the user.

This is the only module that uses platformdirs. The user's folders may not exist yet.
"""

import os
from pathlib import Path

import platformdirs

from tui_charrnn.errors import ModelFileError
from tui_charrnn.paths import parse_path
from tui_charrnn.translation import chosen_language, has_korean_locale

_PACKAGE = Path(__file__).resolve().parent
_NAME = "charrnn-tui"
DEFAULT_MODEL = "shakespeare"
"""The default model."""
KOREAN_MODEL = "korean"
"""The default model if the language of the user or of the app is Korean."""


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
    """The bundled models by name, the default first; empty if the installation has none.

    Everything else works without them.
    """
    try:
        paths = resource_folder("models").glob("*.safetensors")
    except FileNotFoundError:
        return {}
    models = {path.stem: path for path in sorted(paths)}
    return {name: models[name] for name in preferred_models() if name in models} | models


def preferred_models() -> list[str]:
    """The names of the bundled models that suit the language of the user, the default first."""
    is_korean = chosen_language() == "ko" or has_korean_locale(os.environ)
    return [KOREAN_MODEL, DEFAULT_MODEL] if is_korean else [DEFAULT_MODEL]


def default_model() -> Path:
    """The file of the default model.

    Raises:
        ModelFileError: If this installation has no models.
    """
    path = next(iter(bundled_models().values()), None)
    if path is None:
        raise ModelFileError(
            "No model came with this installation. Name a model file or a run with --model."
        )
    return path


def data_folder() -> Path:
    """The folder of runs, saved texts and the history."""
    return Path(platformdirs.user_data_dir(_NAME, appauthor=False))


def config_folder() -> Path:
    """The folder of the settings and the user's own themes."""
    return Path(platformdirs.user_config_dir(_NAME, appauthor=False))


def state_folder() -> Path:
    """The folder of files that are not the user's work, such as crash reports."""
    return Path(platformdirs.user_state_dir(_NAME, appauthor=False))


def cache_folder() -> Path:
    """The folder of files that can be created again: $CHARRNN_CACHE, else in the user's cache.

    Raises:
        ConfigError: If the variable is not a valid path.
    """
    chosen = path_in("CHARRNN_CACHE")
    return chosen or Path(platformdirs.user_cache_dir(_NAME, appauthor=False))


def default_runs_folder() -> Path:
    """The folder of runs: $CHARRNN_RUNS, else in the user's data folder.

    Raises:
        ConfigError: If the variable is not a valid path.
    """
    return path_in("CHARRNN_RUNS") or data_folder() / "runs"


def path_in(variable: str) -> Path | None:
    """The path in an environment variable; None if it is unset or blank.

    Raises:
        ConfigError: If it is not a valid path.
    """
    value = os.environ.get(variable, "").strip()
    return parse_path(value, variable) if value else None
