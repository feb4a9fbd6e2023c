"""All trainers of one run, as one of them sees them: who is there, what the chief orders.

TensorFlow waits for ever for a process that does not come, and for a while or for ever for one that
is lost. So the processes meet before it is let loose, and a thread watches over them from then on.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from tui_charrnn.cluster.company import Company
from tui_charrnn.cluster.loss import LostMember
from tui_charrnn.cluster.meeting import meet
from tui_charrnn.errors import BrokenClusterError, ExitCode
from tui_charrnn.runs.description import RunStatus
from tui_charrnn.training.orders import Order, Task, decode_order
from tui_charrnn.training.placement import Placement

PATIENCE: Final = 5.0
"""Seconds that the main thread is given to leave by itself when another process is lost."""
NAMING_TIME: Final = 12.0
"""Seconds in which the watch finds out who is lost, once TensorFlow met a broken connection."""
PREPARATION: Final = 600.0
"""Seconds that one may take longer than another until it is here: the chief counts n-grams."""
AGREED: Final = frozenset({
    ExitCode.OK,
    ExitCode.DIVERGED,
    ExitCode.RESUME_ME,
    ExitCode.INTERRUPTED,
})
"""Ends that are no failure of the chief: the others have them too."""


class Team:
    """This trainer and all others of its run; without a cluster it is alone.

    Args:
        placement: Who they are.
        leave_at_once: Ends the process in the place of a main thread that native code holds.
    """

    def __init__(
        self, placement: Placement, leave_at_once: Callable[[BrokenClusterError], None]
    ) -> None:
        self.placement: Final = placement
        self._leave_at_once = leave_at_once
        self._company: Company | None = None
        self._is_noticed = threading.Event()

    def join(self, card: Mapping[str, str], check_cancelled: Callable[[], None]) -> None:
        """Wait for all others, and watch over them from then on.

        Args:
            card: What must be the same everywhere.
            check_cancelled: Called while waiting; it raises to give it up.

        Raises:
            ClusterError: If the others train something else, or a port is in use.
            CorpusError: If they have another text.
            BrokenClusterError: If one of them does not come.
        """
        if self.placement.cluster is None:
            return
        patience = self.placement.patience + PREPARATION
        self._company = meet(
            self.placement.cluster, card, deadline=patience, check_cancelled=check_cancelled
        )
        self._company.watch(self._be_impatient)

    def lead(self, order: Order) -> None:
        """Give all others an order; they are in `await_order`, or will be.

        Raises:
            BrokenClusterError: If one of them is lost.
        """
        if self._company is not None:
            with self._noticing():
                self._company.broadcast(order.encode())

    def await_order(self) -> Order:
        """What the chief wants next, however long that takes.

        Raises:
            BrokenClusterError: If one of the others is lost.
        """
        if self._company is None:
            raise RuntimeError("orders come from a company that was joined")
        with self._noticing():
            return decode_order(self._company.broadcast(None))

    def check(self) -> None:
        """Go on only while all are there.

        Raises:
            BrokenClusterError: If one of the others is lost.
        """
        if self._company is not None and (lost := self._company.lost) is not None:
            self._is_noticed.set()
            raise lost.error()

    @contextmanager
    def in_contact(
        self, broken: tuple[type[Exception], ...], unclear: tuple[type[Exception], ...]
    ) -> Iterator[None]:
        """Say who is lost where TensorFlow says that a connection is broken.

        Args:
            broken: How it says so.
            unclear: What it may also raise then, or for another reason.

        Raises:
            BrokenClusterError: If one of the others is lost, or a connection is broken anyway.
        """
        try:
            yield
        except (*broken, *unclear) as error:
            lost = None if self._company is None else self._company.find_loss(NAMING_TIME)
            self._is_noticed.set()
            if lost is not None:
                raise lost.error() from error
            if isinstance(error, unclear):
                raise
            first_line = str(error).partition("\n")[0][:200]
            raise BrokenClusterError(
                f"The connection to the other processes broke: {first_line} What was saved is "
                "kept; the same command on all of them goes on from there."
            ) from error

    def part(self, code: ExitCode, status: RunStatus) -> ExitCode:
        """End it: the chief tells the others how, and who fails tells them why.

        Args:
            code: How this process ends.
            status: Of its run.
        """
        self._is_noticed.set()
        company = self._company
        if company is None or company.lost is not None:
            return code
        if self.placement.is_chief and code in AGREED:
            values = {"code": int(code), "state": status.state.value, "message": status.message}
            with contextlib.suppress(BrokenClusterError):
                company.broadcast(Order(Task.END, values).encode())
        company.leave(int(code), status.message)
        return code

    def desert(self, sentence: str) -> None:
        """End in the middle of what all do together, as `part` must not: they would wait for it.

        Args:
            sentence: What the others tell their users, unless they miss somebody already.
        """
        self._is_noticed.set()
        company, self._company = self._company, None
        if company is not None and company.lost is None:
            company.leave(int(ExitCode.UNEXPECTED), sentence)

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except BrokenClusterError:
            self._is_noticed.set()
            raise

    def _be_impatient(self, lost: LostMember) -> None:
        """Begin to wait for the main thread; called by the company's own thread."""
        threading.Thread(target=self._await_main_thread, args=(lost,), daemon=True).start()

    def _await_main_thread(self, lost: LostMember) -> None:
        """Leave in its place if it does not."""
        if not self._is_noticed.wait(PATIENCE):
            self._leave_at_once(lost.error())
