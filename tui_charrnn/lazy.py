"""The registry of lazy imports: a module is imported when one of its names is first used.

NumPy takes as long to import as a command takes to start, and Textual several times that. The first
frame, the help of commands and shell completion do not wait for unneeded imports. `lazy.NAME` is
NAME of the module that `lazy.pyi` imports it from; type checkers read that list too.
"""

import re
from importlib import import_module
from pathlib import Path
from typing import Final

_MODULES: Final[dict[str, str]] = {
    name: module
    for module, name in re.findall(
        r"^from (\S+) import (\w+) as \2$",
        Path(__file__).with_suffix(".pyi").read_text("utf-8"),
        re.MULTILINE,
    )
}
"""Module by registered name."""


def __getattr__(name: str) -> object:  # PEP 562
    """Import a registered name.

    Raises:
        AttributeError: If the name is not registered.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
