"""Finds the bundled corpora, themes and models, in a checkout or in an installed wheel."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from tui_charrnn.errors import ModelFileError
from tui_charrnn.translation import Language, chosen_language

_PACKAGE = Path(__file__).resolve().parent
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


def language_of(preferred: str, environment: Mapping[str, str]) -> Language:
    """The language of the app.

    `preferred` is one of `LANGUAGES`, or `auto` for that of the locale.
    """
    is_korean = speaks_korean(environment) if preferred == "auto" else preferred == "ko"
    return "ko" if is_korean else "en"


def speaks_korean(environment: Mapping[str, str]) -> bool:
    """Whether the language of a user is Korean, as the locale has it."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    language = next((environment[name] for name in names if environment.get(name)), "")
    return re.match(r"ko([_.@-]|$)", language) is not None
