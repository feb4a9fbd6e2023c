"""The side of a meeting that all but the chief have: knock, and wait to be let in."""

import contextlib
import select
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tui_charrnn.cluster.addresses import split_address
from tui_charrnn.cluster.agreement import Refusal
from tui_charrnn.cluster.connection import Connection
from tui_charrnn.cluster.frames import ForeignBytesError, Kind, note, read_note
from tui_charrnn.cluster.knock import Answer, Knock, read_answer
from tui_charrnn.cluster.membership import Cluster
from tui_charrnn.errors import BrokenClusterError, ClusterError, ExitCode

_TICK: Final = 0.1
"""Seconds between two looks at whether to leave."""
_CONNECTING: Final = 1.0
"""Seconds that a connection may take; then it is tried again."""
_PAUSE: Final = 0.3
"""Seconds between two tries."""
_ANSWER: Final = 10.0
"""Seconds that the chief has to answer a knock at all, and to keep its word after its deadline."""
_FOREIGN: Final = 10.0
"""Seconds in which another program at the chief's address may end, as an earlier training does."""


class Arrival:
    """Goes to the chief's door as often as it takes.

    Args:
        cluster: Whose chief.
        knock: What to say there.
        check_cancelled: Called at every tick; may raise.
    """

    def __init__(self, cluster: Cluster, knock: Knock, check_cancelled: Callable[[], None]) -> None:
        self._cluster, self._knock, self._check_cancelled = cluster, knock, check_cancelled
        self._hindrance = "nothing answered there"
        self._foreign_until: float | None = None
        """When to give up, if another program has answered, and its port was not free since."""

    def arrive(self, deadline: float) -> Connection:
        """Be let in.

        Args:
            deadline: Seconds in which the chief must have been met.

        Returns:
            The connection to the chief.

        Raises:
            CharRNNError: If the chief does not come, cannot, or refuses.
        """
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            self._check_cancelled()
            connection = self._connect()
            if connection is not None and self._is_let_in(connection, end):
                return connection
            self._give_up_on_foreign_address()
            self._pause(min(end, time.monotonic() + _PAUSE))
        raise self._not_met(deadline)

    def _connect(self) -> Connection | None:
        try:
            place = split_address(self._cluster.addresses[0])
            return Connection(socket.create_connection(place, timeout=_CONNECTING))
        except OSError as error:
            self._hindrance = f"{error.strerror or error}".rstrip(".")
            self._foreign_until = None
            return None

    def _is_let_in(self, connection: Connection, end: float) -> bool:
        """Whether the chief answers by a welcome; a connection without one is closed.

        Raises:
            CharRNNError: If it refuses.
        """
        answer = None
        try:
            answer = self._ask(connection, end)
        except ForeignBytesError:
            self._hindrance = "another program answers there"
            self._foreign_until = self._foreign_until or time.monotonic() + _FOREIGN
        except OSError as error:
            self._hindrance = _words(error)  # it may close before what it said is read
        except BaseException:  # `check_cancelled`, or a signal: the others need not wait
            with contextlib.suppress(OSError):
                self._say_goodbye(connection)
            raise
        finally:
            if answer is None or not answer.is_welcome:
                connection.close()
        if answer is not None and answer.refusal is not None:
            raise answer.refusal.error()
        return answer is not None

    def _ask(self, connection: Connection, end: float) -> Answer:
        """Knock, and wait for the answer that settles it.

        Raises:
            OSError: If there is none, so that one has to knock again.
            ForeignBytesError: If it is not the chief who answers.
        """
        connection.send(note(self._knock.to_note()))
        patience = min(end, time.monotonic() + _ANSWER)
        while time.monotonic() < patience:
            self._check_cancelled()
            connection.write()
            if not select.select([connection], [], [], _TICK)[0]:
                continue
            frames = connection.read()
            while frames:
                answer = _read(*frames.pop(0))
                if answer.is_welcome or answer.refusal is not None:
                    connection.keep(frames)
                    return answer
                patience = time.monotonic() + answer.seconds + _ANSWER
        raise TimeoutError("it did not answer")

    def _say_goodbye(self, connection: Connection) -> None:
        reason = Refusal(int(ExitCode.RESUME_ME), "it ended before all had come.")
        connection.send(note(replace(self._knock, problem=reason).to_note()))
        connection.write()

    def _give_up_on_foreign_address(self) -> None:
        """Wait no longer for a chief whose port another program has: it can tell nobody itself.

        Raises:
            ClusterError: If that is so.
        """
        if self._foreign_until is not None and time.monotonic() >= self._foreign_until:
            address = self._cluster.addresses[0]
            raise ClusterError(
                "Another program, and not rank 0, answers at the address of rank 0: end it, or "
                f"choose another port. Received: {address}"
            )

    def _pause(self, end: float) -> None:
        while (left := end - time.monotonic()) > 0:
            self._check_cancelled()
            time.sleep(min(left, _TICK))

    def _not_met(self, deadline: float) -> BrokenClusterError:
        return BrokenClusterError(
            f"Rank 0 ({self._cluster.addresses[0]}) was not met within {deadline:g} seconds: "
            f"{self._hindrance}. Is the same command running there, and does a firewall let its "
            "port through?"
        )


def _read(kind: Kind, body: bytes) -> Answer:
    if kind is not Kind.NOTE:
        raise ForeignBytesError("no answer")
    return read_answer(read_note(body))


def _words(error: OSError) -> str:
    if isinstance(error, ConnectionError):
        return "it closed the connection"
    return str(error)
