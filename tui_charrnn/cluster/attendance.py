"""Which processes of a cluster are there, by what comes from them and by what does not."""

import contextlib
import io
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final

from tui_charrnn.cluster import loss
from tui_charrnn.cluster.connection import Connection
from tui_charrnn.cluster.frames import ForeignBytesError, Kind, beat, note, read_note
from tui_charrnn.cluster.loss import LostMember
from tui_charrnn.cluster.membership import Cluster

_NEWS: Final = 1.0
"""Seconds in which the news of a loss is sent to all, before this process acts on it."""
LONGEST_SENTENCE: Final = 2_000
"""Characters of what a process tells another; the longest fit into a note as JSON, too."""


@dataclass(eq=False)
class Member:
    """Another process, as it is seen from here."""

    rank: int
    address: str
    connection: Connection
    heard: float
    """When something came from it, on the clock `time.monotonic`."""
    has_left: bool = False
    incoming: io.BytesIO | None = None
    """What it broadcasts, as far as it has come."""
    expected: int = 0
    """Bytes of that in all."""


class Attendance:
    """The other processes that this one is connected to, and the first of all that is lost.

    One thread at a time may use it, but for `arrived`, `lost` and `has_lost`.
    """

    def __init__(
        self, cluster: Cluster, connections: Mapping[int, Connection], patience: float
    ) -> None:
        now = time.monotonic()
        self.members = {
            rank: Member(rank, cluster.addresses[rank], connection, now)
            for rank, connection in sorted(connections.items())
        }
        self.arrived: SimpleQueue[bytes | None] = SimpleQueue()
        """What the chief broadcast; None once nothing more comes."""
        self.lost: LostMember | None = None
        self.has_lost = threading.Event()
        self.is_leaving = False
        self._on_loss: Callable[[LostMember], None] | None = None
        self._is_chief, self._patience = cluster.is_chief, patience
        self._addresses = cluster.addresses
        self._news: LostMember | None = None
        self._news_until = 0.0

    def take(self, member: Member, frames: Iterable[tuple[Kind, bytes]]) -> None:
        """Take what came from a member.

        Raises:
            ForeignBytesError: If it is not what a member sends.
        """
        member.heard = time.monotonic()
        for kind, body in frames:
            if kind is Kind.NOTE:
                self._take_note(member, read_note(body))
            elif kind is Kind.PIECE:
                self._take_piece(member, body)

    def _take_note(self, member: Member, content: Mapping[str, object]) -> None:
        match content:
            case {"data": int(size)} if not self._is_chief and size >= 0:
                member.incoming, member.expected = io.BytesIO(), size
                self._take_piece(member, b"")
            case {"leaving": int(code), "sentence": str(sentence)}:
                member.has_left = True
                if code not in loss.AGREED:
                    told = sentence[:LONGEST_SENTENCE]
                    self.lose(loss.left_with(member.rank, member.address, code, told))
            case {"lost": int(rank), "sentence": str(sentence), "exit_code": int(code)} if (
                not self._is_chief and 0 <= rank < len(self._addresses)
            ):
                told = sentence[:LONGEST_SENTENCE]
                self.lose(loss.told_of(rank, self._addresses[rank], told, code))
            case _:
                raise ForeignBytesError("no note of a member")

    def _take_piece(self, member: Member, body: bytes) -> None:
        if member.incoming is None:
            raise ForeignBytesError("data that nobody announced")
        member.incoming.write(body)
        size = member.incoming.tell()
        if size > member.expected:
            raise ForeignBytesError("more data than were announced")
        if size == member.expected:
            self.arrived.put(member.incoming.getvalue())
            member.incoming = None

    def remove(self, member: Member, lost: LostMember | None = None) -> None:
        """A connection is over; its member is lost unless it said goodbye.

        Args:
            member: At the other end.
            lost: Why, where the connection itself is whole; the member hears it when it wakes up.
        """
        self.members.pop(member.rank, None)
        if lost is not None and self._is_chief:
            member.connection.send(_news(lost))
            with contextlib.suppress(OSError):
                member.connection.write()
        member.connection.close()
        if not member.has_left:
            self.lose(lost or loss.gone(member.rank, member.address))
        if not self._is_chief:
            self.arrived.put(None)

    def forgive(self, seconds: float) -> None:
        """Do not count a time in which this process itself did not listen."""
        for member in self.members.values():
            member.heard += seconds

    def silent_members(self) -> list[Member]:
        """Those of whom nothing was heard for too long."""
        limit = time.monotonic() - self._patience
        return [each for each in self.members.values() if each.heard < limit]

    def send_beats(self) -> None:
        """Give all a sign of life; where something is being sent already, that is one."""
        for member in self.members.values():
            if not member.connection.is_sending:
                member.connection.send(beat())

    def silence_of(self, member: Member) -> LostMember:
        """A member that is lost because it does not answer."""
        return loss.silent(member.rank, member.address, self._patience)

    def lose(self, lost: LostMember) -> None:
        """Have the first loss told to all whom this process is connected to."""
        if self._news is not None or self.is_leaving:
            return
        self._news, self._news_until = lost, time.monotonic() + _NEWS
        if self._is_chief:
            for member in self.members.values():
                if member.rank != lost.rank:
                    member.connection.send(_news(lost))

    def act_on_news(self) -> None:
        """Let this process know of a loss, once the others were told or cannot be."""
        if self._news is None or self.lost is not None:
            return
        is_told = not any(each.connection.is_sending for each in self.members.values())
        if is_told or time.monotonic() > self._news_until:
            self.lost = self._news
            self.has_lost.set()
            self.arrived.put(None)
            if self._on_loss is not None:
                self._on_loss(self.lost)

    def watch(self, on_loss: Callable[[LostMember], None]) -> None:
        """Have a loss told by a call, also one that is known already."""
        self._on_loss = on_loss
        if self.lost is not None:
            on_loss(self.lost)


def _news(lost: LostMember) -> bytes:
    return note({"lost": lost.rank, "sentence": lost.sentence, "exit_code": lost.exit_code})
