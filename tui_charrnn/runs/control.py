"""Requests to a trainer: small files in control/, each read once and answered by a record."""

import errno
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tui_charrnn.runs.file_system import (
    file_system,
    folder_inside,
    memory_errors_as_os_errors,
    names_in,
)
from tui_charrnn.runs.json_values import decode_json, encode_json, read_owned
from tui_charrnn.runs.layout import FORMAT, RunDirectory, refuse_foreign_parts, refuse_gone
from tui_charrnn.runs.storage import Storage

REQUESTS: Final = ("stop", "checkpoint", "publish", "learning_rate", "pause", "resume")
"""Requests that this version's trainer supports.

`stop` saves and ends; `checkpoint` saves; `publish` writes the weights into live/;
`learning_rate` makes its argument `value` the peak of the learning rate from the next step on;
`pause` waits after the current batch, answering requests, until `resume`.
"""
_REQUEST_LIMIT: Final = 64 << 10  # bytes
_FOREIGN: Final = {errno.ELOOP, errno.EACCES, errno.EPERM}
"""Errors for a link or another user's file, which is never read."""


@dataclass(frozen=True, slots=True)
class Request:
    """A viewer's request to a trainer."""

    id: str
    """Unique; the name of its file without the suffix."""
    request: str
    """One of `REQUESTS`, or one of a later version; empty if unreadable."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    refusal: str = ""
    """Why it must be refused; empty if it may be carried out."""


def new_request_id() -> str:
    """Return a unique request id; ids sort by time."""
    return f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"


def send_request(
    run: RunDirectory, request: str, *, identifier: str | None = None, **arguments: Any
) -> str:
    """Send a request to a run's trainer, which checks for requests after every batch.

    `identifier` comes from `new_request_id`, for callers that need it in advance.

    Returns:
        The id of the request.

    Raises:
        RunError: If a part of the run is a link, a pipe or a device.
        StorageError: If the run cannot be written.
    """
    identifier = identifier or new_request_id()
    refuse_gone(run)
    refuse_foreign_parts(run)
    storage = Storage(inside=run.path)
    storage.make_folder(run.control)
    document = {"format": FORMAT, "request": request, "arguments": arguments}
    storage.write_atomically(run.control / f"{identifier}.json", encode_json(document))
    return identifier


def take_requests(run: RunDirectory) -> list[Request]:
    """Read and remove the pending requests, oldest first.

    A request whose file cannot be removed is ignored, as it would be repeated forever; one that
    is temporarily unreadable is left for the next call.
    """
    try:
        paths = [
            run.control / name
            for name in names_in(run.control, inside=run.path)
            if name.endswith(".json") and not name.startswith(".")
        ]
        trusted = {0, run.path.stat().st_uid} if paths else set()
    except OSError:
        return []  # no folder means no requests; an unreadable one may be readable later
    return [request for path in paths if (request := _take(path, run, trusted)) is not None]


def _take(path: Path, run: RunDirectory, trusted: set[int]) -> Request | None:
    """Read and remove one request; refuse it unless a trusted user id owns the file."""
    values, is_from_owner = None, True
    try:
        data, owner = read_owned(path, _REQUEST_LIMIT, inside=run.path)
        is_from_owner = owner in trusted
        values = decode_json(data)
    except ValueError:
        pass
    except OSError as error:
        if error.errno not in _FOREIGN:
            return None
    try:
        with memory_errors_as_os_errors(), folder_inside(path.parent, run.path) as folder:
            file_system().remove(path, folder)
    except OSError:
        return None
    document = values if isinstance(values, dict) else {}
    request, arguments = document.get("request"), document.get("arguments", {})
    if not isinstance(request, str) or not isinstance(arguments, dict):
        request, arguments = "", {}
    refusal = ""
    if not is_from_owner:
        refusal = "it came from a user who does not own this run"
    elif request and document.get("format") != FORMAT:
        found = str(document.get("format"))[:20]
        refusal = f"it is of format {found}; this version reads format {FORMAT}"
    return Request(path.stem, request, arguments, refusal)
