"""Measurements of this machine, cached in the user's folder so that each is made once."""

import json
from contextlib import suppress
from typing import Any, Final, NamedTuple

from tui_charrnn.folders import cache_folder
from tui_charrnn.paths import open_file
from tui_charrnn.text.cache import replace_file

ENTRY_LIMIT: Final = 200
"""Number of measurements in a file; the oldest are dropped."""
_LARGEST: Final = 4 << 20
"""Bytes of a file; a larger one is not read."""


class Measurements(NamedTuple):
    """A file of measurements by key; `kind` is their name in it, and another one discards them.

    Its methods raise `ConfigError` if CHARRNN_CACHE is not a path.
    """

    file: str
    kind: str

    def recall(self) -> dict[str, Any]:
        """Return all measurements, oldest first; empty if the file is missing or damaged."""
        path = cache_folder() / self.file
        try:
            with open_file(path) as file:
                document = json.loads(file.read(_LARGEST))
            found = document[self.kind] if document["format"] == 1 else {}
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def remember(self, key: str, value: object) -> None:
        """Add a measurement, ignoring disk errors.

        If two processes write at the same time, one measurement may be lost.
        """
        found = self.recall()
        found.pop(key, None)
        newest = dict([*found.items(), (key, value)][-ENTRY_LIMIT:])
        document = json.dumps({"format": 1, self.kind: newest})
        with suppress(OSError):
            replace_file(cache_folder() / self.file, [document.encode()], mode=0o600)
