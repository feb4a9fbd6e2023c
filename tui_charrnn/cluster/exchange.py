"""The thread that speaks with the other processes: signs of life, data, farewells, bad news."""

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final

from tui_charrnn.cluster.attendance import LONGEST_SENTENCE, Attendance, Member
from tui_charrnn.cluster.frames import ForeignBytesError, note

BEAT_INTERVAL: Final = 1.0
"""Seconds between two signs of life."""
FAREWELL: Final = 2.0
"""Seconds that the others have to take a goodbye, once it is sent."""


class Exchange(threading.Thread):
    """Reads and writes all connections of one process, and judges who is silent."""

    def __init__(self, attendance: Attendance) -> None:
        super().__init__(name="cluster", daemon=True)
        self._attendance = attendance
        self._orders: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        for member in attendance.members.values():
            self._selector.register(member.connection, selectors.EVENT_READ, member)
        self._round_began = self._beaten = time.monotonic()
        self._ends = float("inf")

    def order(self, work: Callable[[], None]) -> None:
        """Have something done in this thread, soon; from any thread."""
        self._orders.put(work)
        with contextlib.suppress(OSError):  # it is awake, or has ended
            self._waker.send(b"\0")

    def run(self) -> None:
        """Go on until this process has left, or until nobody is there and nothing is wanted."""
        try:
            for member in list(self._attendance.members.values()):
                self._write(member)  # the welcome, if this is the chief
                if member.rank in self._attendance.members:
                    self._read(member)  # what came together with it
            while not self._is_over():
                self._round()
        finally:
            self._attendance.arrived.put(None)
            for member in self._attendance.members.values():
                member.connection.close()
            self._selector.close()
            self._woken.close()
            self._waker.close()

    def leave(self, code: int, sentence: str) -> None:
        """Say goodbye, once everything was sent; to be ordered."""
        self._attendance.is_leaving = True
        for member in self._attendance.members.values():
            member.connection.send(note({"leaving": code, "sentence": sentence[:LONGEST_SENTENCE]}))

    def _is_over(self) -> bool:
        if not self._attendance.is_leaving:
            return False
        members = self._attendance.members.values()
        now = time.monotonic()
        if self._ends == float("inf") and not any(m.connection.is_sending for m in members):
            self._ends = now + FAREWELL
            for member in members:
                member.connection.end()
        return not members or now > self._ends

    def _round(self) -> None:
        wait = BEAT_INTERVAL / 10 if self._attendance.is_leaving else BEAT_INTERVAL
        ready = self._selector.select(wait)
        self._forgive()
        for key, events in ready:
            if key.data is None:
                self._woken.recv(4096)
            elif events & selectors.EVENT_READ:
                self._read(key.data)
        with contextlib.suppress(Empty):
            while True:
                self._orders.get_nowait()()
        if self._round_began >= self._beaten + BEAT_INTERVAL and self._ends == float("inf"):
            self._beaten = self._round_began
            self._attendance.send_beats()
        for member in list(self._attendance.members.values()):
            self._write(member)
        for member in self._attendance.silent_members():
            self._drop(member, is_silent=True)
        self._attendance.act_on_news()

    def _forgive(self) -> None:
        now = time.monotonic()
        late = now - self._round_began - BEAT_INTERVAL
        if late > BEAT_INTERVAL:  # stopped, suspended or starved: the others could not be heard
            self._attendance.forgive(late)
        self._round_began = now

    def _read(self, member: Member) -> None:
        try:
            self._attendance.take(member, member.connection.read())
        except (OSError, ForeignBytesError):
            self._drop(member)

    def _write(self, member: Member) -> None:
        try:
            member.connection.write()
        except OSError:
            self._drop(member)
            return
        wanted = selectors.EVENT_READ
        if member.connection.is_sending:
            wanted |= selectors.EVENT_WRITE
        if self._selector.get_key(member.connection).events != wanted:
            self._selector.modify(member.connection, wanted, member)

    def _drop(self, member: Member, *, is_silent: bool = False) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(member.connection)
        silence = self._attendance.silence_of(member) if is_silent else None
        self._attendance.remove(member, silence)
