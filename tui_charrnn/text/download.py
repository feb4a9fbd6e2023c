"""Downloads a file of bounded size from the first source that provides it."""

import contextlib
import hashlib
import http.client
import ipaddress
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import IO, Final
from urllib.parse import urlsplit

from tui_charrnn import __version__
from tui_charrnn.errors import CorpusError, reason_of
from tui_charrnn.text.cache import Progress

SILENCE_LIMIT: Final = 20.0  # seconds without a byte
TOTAL_LIMIT: Final = 900.0  # seconds for one source; 6 MB at 7 kB/s
_CHUNK: Final = 65_536  # bytes


class _UnusableError(CorpusError):
    """One source failed; the message is the reason."""


def fetch(
    urls: Sequence[str],
    *,
    maximum_bytes: int,
    sha256: str | None = None,
    progress: Progress | None = None,
) -> bytes:
    """Download a file of bounded size from the first source that provides it completely.

    Nothing is written to disk, so no partial file can remain. Sources are https, or http on this
    machine. `progress` is called with the bytes so far and, if known, the total.

    Raises:
        CorpusError: If all sources failed, with the reason of each.
    """
    reasons = []
    for url in urls:
        deadline = time.monotonic() + TOTAL_LIMIT
        try:
            data = _fetch_one(url, maximum_bytes, progress, deadline)
            _check_hash(data, sha256)
        except _UnusableError as error:
            reasons.append(f"{urlsplit(url).netloc}: {error}")
        else:
            return data
    raise CorpusError("; ".join(reasons))


def _fetch_one(url: str, maximum_bytes: int, progress: Progress | None, deadline: float) -> bytes:
    _refuse_unsafe(url)
    request = urllib.request.Request(  # noqa: S310  the scheme is checked above
        url, headers={"User-Agent": f"charrnn-tui/{__version__}"}
    )
    try:
        opener = urllib.request.build_opener(_CheckedRedirects)
        with opener.open(request, timeout=SILENCE_LIMIT) as response:
            return _read(response, maximum_bytes, progress, deadline)
    except urllib.error.HTTPError as error:
        error.close()
        raise _UnusableError(
            "answered {code} {reason}", code=error.code, reason=error.reason
        ) from error
    except urllib.error.URLError as error:
        raise _UnusableError(
            "could not be reached ({reason})", reason=_plain(error.reason)
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise _UnusableError("broke off ({error})", error=_plain(error)) from error


def _refuse_unsafe(url: str) -> None:
    """Refuse an address without TLS, unless it is on this machine."""
    parts = urlsplit(url)
    is_local = parts.scheme == "http" and _is_loopback(parts.hostname or "")
    if parts.scheme != "https" and not is_local:
        raise _UnusableError("not a secure address (https): {url}", url=url)


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


class _CheckedRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to an address that may be fetched."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Refuse what `_refuse_unsafe` refuses."""
        _refuse_unsafe(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _read(
    response: http.client.HTTPResponse,
    maximum_bytes: int,
    progress: Progress | None,
    deadline: float,
) -> bytes:
    length = response.headers.get("Content-Length", "")
    total = int(length) if length.isascii() and length.isdigit() else None
    if total is not None and total > maximum_bytes:
        raise _UnusableError(
            "offers {total:,} bytes where at most {maximum_bytes:,} are expected",
            total=total,
            maximum_bytes=maximum_bytes,
        )
    data = bytearray()
    # `read1` returns what has arrived, so that the deadline is checked
    while chunk := response.read1(_CHUNK):
        data += chunk
        if len(data) > maximum_bytes:
            raise _UnusableError(
                "sent more than the {maximum_bytes:,} bytes that are expected",
                maximum_bytes=maximum_bytes,
            )
        if time.monotonic() > deadline:
            raise _UnusableError("was too slow, {received:,} bytes so far", received=len(data))
        if progress is not None:
            progress(len(data), total)
    if total is not None and len(data) < total:
        raise _UnusableError(
            "broke off after {received:,} of {total:,} bytes", received=len(data), total=total
        )
    return bytes(data)


def _check_hash(data: bytes, sha256: str | None) -> None:
    received = hashlib.sha256(data).hexdigest()
    if sha256 is not None and received != sha256:
        raise _UnusableError(
            "sent another text than expected (SHA-256 {received}... instead of {expected}...)",
            received=received[:16],
            expected=sha256[:16],
        )


def _plain(reason: object) -> str:
    """The message of an error without its number."""
    if isinstance(reason, OSError) and reason.strerror:
        return reason_of(reason)
    return str(reason) or type(reason).__name__
