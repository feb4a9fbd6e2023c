"""One connection between two processes of a cluster, which never makes anybody wait."""

import contextlib
import socket
from collections import deque
from collections.abc import Iterator
from typing import Final

from tui_charrnn.cluster.frames import GREETING, FrameReader, Kind, data_frames

_AT_A_TIME: Final = 1 << 20
"""Bytes asked of the system in one call."""


class Connection:
    """A socket with what waits to be sent over it, and what of a frame has come so far.

    Notes and beats overtake data, between two frames, so that a broadcast of gigabytes delays none.
    One thread at a time may use it.
    """

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected
        self._reader = FrameReader()
        self._current: deque[memoryview] = deque([memoryview(GREETING)])
        self._urgent: deque[bytes] = deque()
        self._data: deque[Iterator[tuple[bytes, memoryview]]] = deque()
        self._kept: list[tuple[Kind, bytes]] = []

    def fileno(self) -> int:
        """The descriptor, for a selector."""
        return self._socket.fileno()

    @property
    def peer(self) -> str:
        """The host at the other end, or an empty text if it is gone."""
        try:
            return str(self._socket.getpeername()[0])
        except OSError:
            return ""

    @property
    def is_sending(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._current or self._urgent or self._data)

    def send(self, frame: bytes) -> None:
        """Have a note or a beat sent."""
        self._urgent.append(frame)

    def send_data(self, data: bytes) -> None:
        """Have data sent, after what was given before."""
        self._data.append(data_frames(data))

    def write(self) -> None:
        """Send what the system takes at once.

        Raises:
            OSError: If the connection is gone.
        """
        with contextlib.suppress(BlockingIOError):
            while self._current or self._next_frame():
                sent = self._socket.send(self._current[0][:_AT_A_TIME])
                rest = self._current.popleft()[sent:]
                if rest:
                    self._current.appendleft(rest)

    def _next_frame(self) -> bool:
        if self._urgent:
            self._current.append(memoryview(self._urgent.popleft()))
        while self._data and not self._current:
            frame = next(self._data[0], None)
            if frame is None:
                self._data.popleft()
            else:
                self._current.extend(memoryview(part) for part in frame if part)
        return bool(self._current)

    def read(self) -> list[tuple[Kind, bytes]]:
        """The frames that are whole by now.

        Raises:
            OSError: If the connection is gone, or the other side has closed it.
            ForeignBytesError: If the other side is not this program.
        """
        kept, self._kept = self._kept, []
        if kept:
            return kept
        try:
            data = self._socket.recv(_AT_A_TIME)
        except BlockingIOError:
            return []
        if not data:
            raise ConnectionAbortedError("closed by the other side")
        return self._reader.feed(data)

    def keep(self, frames: list[tuple[Kind, bytes]]) -> None:
        """Give frames back that came too early; they are read again before all others."""
        self._kept = frames

    def end(self) -> None:
        """Send nothing more; what was sent arrives."""
        with contextlib.suppress(OSError):  # it is gone already
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
