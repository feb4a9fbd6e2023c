"""How the processes of a cluster find each other before TensorFlow connects them.

TensorFlow waits for ever for a process that does not come, and says nothing of two that want
different things. So they meet here first, at the chief's own address: TensorFlow's server takes
the port over when the door is closed.
"""

from collections.abc import Callable

from tui_charrnn.cluster.agreement import Card, Refusal, full_card
from tui_charrnn.cluster.arrival import Arrival
from tui_charrnn.cluster.company import PATIENCE, Company
from tui_charrnn.cluster.connection import Connection
from tui_charrnn.cluster.knock import Knock
from tui_charrnn.cluster.membership import Cluster
from tui_charrnn.cluster.ports import check_port, listen
from tui_charrnn.cluster.reception import REFUSING, Reception
from tui_charrnn.errors import BrokenClusterError, ClusterError, ExitCode


def meet(
    cluster: Cluster,
    card: Card,
    *,
    deadline: float,
    check_cancelled: Callable[[], None] = lambda: None,
    phase: str = "trainer",
    patience: float = PATIENCE,
) -> Company:
    """Wait for all other ranks, and make sure that all want the same.

    Nothing listens any more when this returns, and the chief's port is free for TensorFlow.

    Args:
        cluster: Who is to meet.
        card: What must be the same on all ranks, by the names that users give it; its entry
            `corpus` is told as a difference of data. At most 256.
        deadline: Seconds in which all must have come.
        check_cancelled: Called several times a second; may raise, and then the others are told.
        phase: Which meeting this is, where the same ranks meet more than once; whoever is at
            another one is waited for.
        patience: Seconds of silence after which a process counts as lost later on.

    Raises:
        ClusterError: If ranks, sizes or cards differ, or a port is in use; on every rank.
        CorpusError: If the corpora differ; on every rank.
        BrokenClusterError: If somebody does not come; on every rank that did.
        ValueError: If the card has too many entries.
    """
    knock = Knock(cluster.rank, phase, full_card(cluster, card))
    if cluster.is_chief:
        listener = listen(cluster.address, cluster.addresses)
        connections = Reception(cluster, knock, listener, check_cancelled).receive(deadline)
        return Company(cluster, connections, patience)
    return Company(cluster, {0: _arrive(cluster, knock, deadline, check_cancelled)}, patience)


def _arrive(
    cluster: Cluster, knock: Knock, deadline: float, check_cancelled: Callable[[], None]
) -> Connection:
    try:
        check_port(cluster.address)
    except ClusterError as error:
        problem = Refusal(int(ExitCode.USAGE), str(error))
        knock = Knock(knock.rank, knock.phase, knock.card, problem)
        # the chief passes it on to all, this process included, or is not there to do so
        try:
            return Arrival(cluster, knock, check_cancelled).arrive(min(deadline, REFUSING))
        except BrokenClusterError:
            raise error from None
    return Arrival(cluster, knock, check_cancelled).arrive(deadline)
