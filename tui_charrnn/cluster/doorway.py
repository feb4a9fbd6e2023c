"""Where connections come in: whoever does not say in time who it is, is shown out again."""

import contextlib
import selectors
import socket
import time
from dataclasses import dataclass, field
from typing import Final

from tui_charrnn.cluster.connection import Connection
from tui_charrnn.cluster.frames import ForeignBytesError, Kind, note, read_note
from tui_charrnn.cluster.knock import Answer, Knock, read_knock

TICK: Final = 0.1
"""Seconds that a look at the door takes at most."""
STRANGER: Final = 5.0
"""Seconds that whoever connects has to say who it is."""
_STRANGERS: Final = 64
"""Connections kept at a time without knowing whose they are."""


@dataclass(eq=False)
class Guest:
    """Whoever has connected."""

    connection: Connection
    since: float = field(default_factory=time.monotonic)
    knock: Knock | None = None
    """What it said, once that was accepted as a rank's."""
    is_refused: bool = False


class Doorway:
    """The listening socket of a chief and all who came in by it.

    Args:
        listener: A socket that listens; it is closed with the door.
    """

    def __init__(self, listener: socket.socket) -> None:
        self.guests: list[Guest] = []
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ)

    def look(self) -> list[tuple[Guest, Knock]]:
        """Wait a moment; let in who is new, and show strangers out.

        Returns:
            What guests said, of those who are still there.
        """
        knocks: list[tuple[Guest, Knock]] = []
        for key, _ in self._selector.select(TICK):
            if key.fileobj is self._listener:
                self._accept()
            else:
                knocks += [(key.data, knock) for knock in self._read(key.data)]
        now = time.monotonic()
        for guest in list(self.guests):
            if guest.knock is None and now > guest.since + STRANGER:
                self.show_out(guest)
            else:
                self._write(guest)
        return [(guest, knock) for guest, knock in knocks if guest in self.guests]

    def answer(self, guest: Guest, answer: Answer) -> None:
        """Say something to a guest."""
        guest.connection.send(note(answer.to_note()))
        self._write(guest)

    def show_out(self, guest: Guest) -> None:
        """End a guest's connection."""
        if guest in self.guests:
            self.guests.remove(guest)
            self._selector.unregister(guest.connection)
            guest.connection.close()

    def take_known(self) -> list[Guest]:
        """Those who said who they are; their connections stay open when the door is closed."""
        known = [guest for guest in self.guests if guest.knock is not None]
        for guest in known:
            self.guests.remove(guest)
        return known

    def close(self) -> None:
        """Listen no more, and end all connections that were not taken."""
        for guest in list(self.guests):
            self.show_out(guest)
        self._selector.close()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # it has gone again, or there are too many files
            connected, _ = self._listener.accept()
            if sum(guest.knock is None for guest in self.guests) >= _STRANGERS:
                connected.close()
                return
            guest = Guest(Connection(connected))
            self.guests.append(guest)
            self._selector.register(guest.connection, selectors.EVENT_READ, guest)

    def _read(self, guest: Guest) -> list[Knock]:
        try:
            return [_knock(*frame) for frame in guest.connection.read()]
        except (OSError, ForeignBytesError):
            self.show_out(guest)
            return []

    def _write(self, guest: Guest) -> None:
        try:
            guest.connection.write()
        except OSError:
            self.show_out(guest)


def _knock(kind: Kind, body: bytes) -> Knock:
    if kind is not Kind.NOTE:
        raise ForeignBytesError("no knock")
    return read_knock(read_note(body))
