"""How fast settings were on this machine, kept in the user's cache folder from run to run.

Neither TensorFlow nor NumPy is loaded here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tui_charrnn.runs.json_values import decode_json, encode_json, read_bounded
from tui_charrnn.runs.storage import Storage
from tui_charrnn.user_folders import cache_folder

ENTRY_LIMIT: Final = 200
"""Measurements that are kept, the newest."""
_FORMAT: Final = 1
_SIZE_LIMIT: Final = 1 << 20  # bytes; 200 entries take 60,000


def timings_file() -> Path:
    """Where measurements are kept: in the user's cache.

    Raises:
        ConfigError: If CHARRNN_CACHE names no path.
    """
    return cache_folder() / "timings.json"


class TimedPresets:
    """Measurements by a key that holds whatever they depend on.

    A file that is missing or damaged holds none. Of two processes that add at the same moment, one
    may lose its entry.
    """

    def __init__(self, path: Path, storage: Storage | None = None) -> None:
        self._path = path
        self._storage = storage or Storage()

    def find(self, key: str) -> Mapping[str, Any] | None:
        """What was kept under a key, as JSON values, or None."""
        found = self._entries().get(key)
        return found if isinstance(found, dict) else None

    def add(self, key: str, values: Mapping[str, Any]) -> None:
        """Keep values under a key, in the place of older ones.

        Raises:
            StorageError: If the disk refuses.
            ValueError: If a number is not finite.
        """
        others = {name: kept for name, kept in self._entries().items() if name != key}
        newest = dict([*others.items(), (key, dict(values))][-ENTRY_LIMIT:])
        self._storage.make_folder(self._path.parent)
        document = encode_json({"format": _FORMAT, "timings": newest})
        self._storage.write_atomically(self._path, document)

    def _entries(self) -> dict[str, Any]:
        """All that is kept, the oldest first."""
        try:
            document = decode_json(read_bounded(self._path, _SIZE_LIMIT))
        except (OSError, ValueError):
            return {}
        if not isinstance(document, dict) or document.get("format") != _FORMAT:
            return {}
        timings = document.get("timings")
        return timings if isinstance(timings, dict) else {}
