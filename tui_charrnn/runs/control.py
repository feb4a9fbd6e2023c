"""Requests to a trainer: small files in control/, each taken once and answered by a record."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tui_charrnn.runs.json_values import decode_json, encode_json, read_bounded
from tui_charrnn.runs.layout import FORMAT, RunDirectory
from tui_charrnn.runs.storage import Storage

REQUESTS: Final = ("stop", "checkpoint", "publish", "learning_rate", "pause", "resume")
"""What this version's trainer can be asked for.

`stop` saves and ends; `checkpoint` saves; `publish` writes the weights into live/;
`learning_rate` makes its argument `value` the peak of the learning rate from the next step on;
`pause` waits after the batch at hand, answering requests, until `resume`.
"""
_REQUEST_LIMIT: Final = 64 << 10  # bytes


@dataclass(frozen=True, slots=True)
class Request:
    """What a viewer asked a trainer for."""

    id: str
    """Name of its file, without the ending; unique."""
    request: str
    """One of `REQUESTS`, or a word that only a later version knows; empty if unreadable."""
    arguments: Mapping[str, Any] = field(default_factory=dict)


def send_request(run: RunDirectory, request: str, **arguments: Any) -> str:
    """Ask a run's trainer for something; it looks after every batch.

    Returns:
        The unique id of the request.

    Raises:
        StorageError: If the run cannot be written.
    """
    identifier = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
    storage = Storage()
    storage.make_folder(run.control)
    document = {"format": FORMAT, "request": request, "arguments": arguments}
    storage.write_atomically(run.control / f"{identifier}.json", encode_json(document))
    return identifier


def take_requests(run: RunDirectory) -> list[Request]:
    """Take what was asked since the last time, oldest first; each file is removed.

    A request whose file cannot be removed is not taken, as it would be taken for ever.
    """
    try:
        paths = sorted(p for p in run.control.iterdir() if _is_request(p))
    except OSError:
        return []  # no folder, no requests; a folder that cannot be read now can be later
    return [request for path in paths if (request := _take(path)) is not None]


def _is_request(path: Path) -> bool:
    return path.suffix == ".json" and not path.name.startswith(".")


def _take(path: Path) -> Request | None:
    try:
        values = decode_json(read_bounded(path, _REQUEST_LIMIT))
    except (OSError, ValueError):
        values = None
    try:
        path.unlink()
    except OSError:
        return None
    return _request_from_json(path.stem, values)


def _request_from_json(identifier: str, values: object) -> Request:
    document = values if isinstance(values, dict) else {}
    request, arguments = document.get("request"), document.get("arguments", {})
    if not isinstance(request, str) or not isinstance(arguments, dict):
        return Request(identifier, "")
    return Request(identifier, request, arguments)
