"""All processes of a cluster, once they have met: what they are told, and whether one is lost."""

import threading
from collections.abc import Callable, Mapping
from queue import Empty
from typing import Final

from tui_charrnn.cluster.attendance import Attendance
from tui_charrnn.cluster.connection import Connection
from tui_charrnn.cluster.exchange import FAREWELL, Exchange
from tui_charrnn.cluster.loss import LostMember
from tui_charrnn.cluster.membership import Cluster
from tui_charrnn.errors import BrokenClusterError

PATIENCE: Final = 10.0
"""Seconds of silence after which a process counts as lost."""
_HEED_INTERVAL: Final = 0.2
"""Seconds between two looks at whether to leave while waiting."""


class Company:
    """The processes that met. A thread of its own keeps in touch with them until `leave`.

    Args:
        cluster: Who they are.
        connections: The connections of this process, by the rank at the other end.
        patience: Seconds of silence after which a process counts as lost.
    """

    def __init__(
        self, cluster: Cluster, connections: Mapping[int, Connection], patience: float = PATIENCE
    ) -> None:
        self.cluster = cluster
        self._attendance = Attendance(cluster, connections, patience)
        self._patience = patience
        self._exchange = Exchange(self._attendance)
        self._exchange.start()

    @property
    def lost(self) -> LostMember | None:
        """The first process that was lost, if any was."""
        return self._attendance.lost

    def find_loss(self, within: float = PATIENCE + 2.0) -> LostMember | None:
        """Wait until it is known who was lost, as after a failure of TensorFlow's own connections.

        Args:
            within: Seconds to wait at most.

        Returns:
            None if nobody was.
        """
        self._attendance.has_lost.wait(within)
        return self.lost

    def watch(self, on_loss: Callable[[LostMember], None]) -> None:
        """Have a function called once, in a thread of this company, when a process is lost.

        Args:
            on_loss: Takes who it was. If that is known already, it is called at once.
        """
        self._exchange.order(lambda: self._attendance.watch(on_loss))

    def broadcast(
        self, data: bytes | None, *, check_cancelled: Callable[[], None] | None = None
    ) -> bytes:
        """Tell all processes the same; each must call it as often as the chief.

        The chief sends and goes on. The others wait, as long as the chief is there.

        Args:
            data: What the chief tells; what others give does not matter.
            check_cancelled: Called now and then while waiting; may raise to end that.

        Returns:
            What the chief gave, on all.

        Raises:
            BrokenClusterError: If a process is lost, or if the chief has left.
            ValueError: If the chief gives nothing.
        """
        if self.cluster.is_chief:
            if data is None:
                raise ValueError("the chief must give what is to be broadcast")
            self._raise_loss()
            told = bytes(data)
            self._exchange.order(lambda: self._send_to_all(told))
            return told
        while True:
            try:
                arrived = self._attendance.arrived.get(
                    timeout=None if check_cancelled is None else _HEED_INTERVAL
                )
            except Empty:
                if check_cancelled is not None:
                    check_cancelled()
                continue
            if arrived is not None:
                return arrived
            self._attendance.arrived.put(None)  # whoever asks again hears the same
            self._raise_loss()
            raise BrokenClusterError(
                f"Rank 0 ({self.cluster.addresses[0]}) has left. The same command on all ranks "
                "goes on from what was saved."
            )

    def leave(self, code: int, sentence: str = "") -> None:
        """Say goodbye, so that the others do not take the end of this process for a loss.

        Ends that all agreed on (0, 4, 75, 130) are no loss; other codes are told to all, with the
        sentence. To end with 75 without having agreed on it, end without a goodbye.

        Args:
            code: The exit code of this process.
            sentence: What the others tell their users, if it is a failure.
        """
        if not self._exchange.is_alive():
            return
        self._exchange.order(lambda: self._exchange.leave(int(code), sentence))
        if threading.current_thread() is not self._exchange:
            self._exchange.join(self._patience + FAREWELL)

    def _send_to_all(self, data: bytes) -> None:
        for member in self._attendance.members.values():
            member.connection.send_data(data)

    def _raise_loss(self) -> None:
        if self._attendance.lost is not None:
            raise self._attendance.lost.error()
