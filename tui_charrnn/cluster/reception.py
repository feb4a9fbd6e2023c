"""The chief's side of a meeting: it opens the door, and nobody begins before all are in."""

import socket
import time
from collections.abc import Callable
from typing import Final

from tui_charrnn.cluster.agreement import Refusal, disagreement
from tui_charrnn.cluster.connection import Connection
from tui_charrnn.cluster.doorway import Doorway, Guest
from tui_charrnn.cluster.frames import note
from tui_charrnn.cluster.knock import Answer, Knock
from tui_charrnn.cluster.membership import Cluster
from tui_charrnn.errors import ExitCode

REFUSING: Final = 15.0
"""Seconds for which the door stays open after a refusal, to tell it those who come late."""
_DELIVERY: Final = 2.0
"""Seconds that an answer may take to arrive."""


class Reception:
    """Lets the other ranks in, or tells all of them why there will be no training.

    Args:
        cluster: Who is expected.
        own: What the chief itself would say.
        listener: A socket that listens; it is closed in the end.
        check_cancelled: Called several times a second; may raise.
    """

    def __init__(
        self,
        cluster: Cluster,
        own: Knock,
        listener: socket.socket,
        check_cancelled: Callable[[], None],
    ) -> None:
        self._cluster, self._own, self._check_cancelled = cluster, own, check_cancelled
        self._door = Doorway(listener)
        self._refusal: Refusal | None = None
        self._told: set[int] = set()
        """Ranks that know of the refusal."""
        self._end = 0.0

    def receive(self, deadline: float) -> dict[int, Connection]:
        """Wait for all, compare what they want, and let them in.

        Args:
            deadline: Seconds to wait at most.

        Returns:
            The connections of all other ranks.

        Raises:
            CharRNNError: If somebody does not come, or does not fit; all who came are told.
        """
        self._end = time.monotonic() + deadline
        try:
            while self._refusal is None and self._missing():
                if time.monotonic() >= self._end:
                    self._refuse(self._not_come(deadline))
                else:
                    self._look()
            if self._refusal is None:
                return self._welcome()
            self._linger()
        except BaseException:  # `check_cancelled` has raised
            self._refuse(_told_to_leave(self._cluster))
            raise
        finally:
            self._door.close()
        raise self._refusal.error()

    def _missing(self) -> list[int]:
        known = {guest.knock.rank for guest in self._door.guests if guest.knock is not None}
        return [rank for rank in range(1, self._cluster.size) if rank not in known]

    def _look(self) -> None:
        self._check_cancelled()
        for guest, knock in self._door.look():
            if knock.phase == self._own.phase:
                self._judge(guest, knock)
            else:  # it is ahead of this process, or behind it, and will come again
                self._door.show_out(guest)

    def _judge(self, guest: Guest, knock: Knock) -> None:
        same = [
            each
            for each in self._door.guests
            if each is not guest and each.knock is not None and each.knock.rank == knock.rank
        ]
        guest.knock = knock
        refusal = _problem(knock, self._name(knock.rank)) or disagreement(
            self._own.card, knock.card, self._name(0), self._name(knock.rank)
        )
        if refusal is None and (same or not 0 < knock.rank < self._cluster.size):
            hosts = {each.connection.peer for each in (*same, guest)}
            refusal = _twice(knock.rank, self._cluster.size, hosts)
        if refusal is not None:
            self._refuse(refusal)
        else:
            self._answer(guest)

    def _name(self, rank: int) -> str:
        addresses = self._cluster.addresses
        return f"rank {rank} ({addresses[rank]})" if 0 <= rank < len(addresses) else f"rank {rank}"

    def _answer(self, guest: Guest) -> None:
        if guest.knock is None or guest.is_refused:
            return
        if self._refusal is not None:
            guest.is_refused = True
            self._told.add(guest.knock.rank)
        seconds = max(0.0, self._end - time.monotonic())
        self._door.answer(guest, Answer(seconds=seconds, refusal=self._refusal))

    def _refuse(self, refusal: Refusal) -> None:
        """Tell all who are there; the first reason stands."""
        if self._refusal is None:
            self._refusal = refusal
        for guest in list(self._door.guests):
            self._answer(guest)

    def _linger(self) -> None:
        """Tell those who come late, and wait until all who were told have gone."""
        start = time.monotonic()
        late = min(self._end, start + REFUSING)
        expected = set(range(1, self._cluster.size))
        while True:
            now = time.monotonic()
            is_read = not any(guest.is_refused for guest in self._door.guests)
            if (now > late or expected <= self._told) and (now > start + _DELIVERY or is_read):
                return
            self._look()

    def _welcome(self) -> dict[int, Connection]:
        connections: dict[int, Connection] = {}
        for guest in self._door.take_known():
            guest.connection.send(note(Answer(is_welcome=True).to_note()))
            if guest.knock is not None:
                connections[guest.knock.rank] = guest.connection
        return connections

    def _not_come(self, deadline: float) -> Refusal:
        missing = [self._name(rank) for rank in self._missing()]
        more = f" and {len(missing) - 20} more" if len(missing) > 20 else ""
        return Refusal(
            int(ExitCode.RESUME_ME),
            f"Not all came within {deadline:g} seconds; missing: {', '.join(missing[:20])}{more}. "
            "Is the same command running there, and can those hosts reach "
            f"{self._cluster.addresses[0]}?",
        )


def _problem(knock: Knock, name: str) -> Refusal | None:
    if knock.problem is None:
        return None
    return Refusal(knock.problem.code, f"On {name}: {knock.problem.sentence}")


def _twice(rank: int, size: int, hosts: set[str]) -> Refusal:
    return Refusal(
        int(ExitCode.USAGE),
        f"Each rank from 0 to {size - 1} is needed once. Received twice: rank {rank}, from "
        f"{' and '.join(sorted(hosts))}",
    )


def _told_to_leave(cluster: Cluster) -> Refusal:
    return Refusal(
        int(ExitCode.RESUME_ME),
        f"Rank 0 ({cluster.addresses[0]}) ended before all had come. The same command on all "
        "ranks begins again.",
    )
