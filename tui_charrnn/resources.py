"""Finds the bundled corpora, themes and models, in a checkout or in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
DEFAULT_MODEL = "shakespeare"
"""Which bundled model speaks where none is named."""


def resource_folder(name: str) -> Path:
    """The folder of one kind of bundled file.

    A wheel carries `corpora` and `themes` inside the package; a checkout has them beside it.

    Args:
        name: `corpora`, `themes` or `models`.

    Raises:
        FileNotFoundError: If the installation lacks the folder.
    """
    for folder in (_PACKAGE / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"This installation lacks its folder {name!r}; install it again.")


def bundled_models() -> dict[str, Path]:
    """The models that come with the program, by name: the default first, the others by name."""
    paths = resource_folder("models").glob("*.safetensors")
    models = {path.stem: path for path in sorted(paths)}
    default = {DEFAULT_MODEL: models[DEFAULT_MODEL]} if DEFAULT_MODEL in models else {}
    return default | models
