"""How a trainer becomes one of several: it meets the others, and TensorFlow connects their devices.

What must come in this order: devices are looked at, all meet, TensorFlow's strategy is made before
its first operation, and signals are taken over again, as the strategy takes SIGTERM for itself and
then does nothing about it.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from tui_charrnn import __version__
from tui_charrnn.training.devices import Device
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.placement import refuse_uneven
from tui_charrnn.training.replicas import Replicas, in_contact, make_strategy, taken_gpus
from tui_charrnn.training.team import Team


def join_replicas(
    team: Team,
    device: Device,
    batch_size: int,
    corpus_sha256: str,
    interruption: Interruption,
    check_cancelled: Callable[[], None],
) -> Replicas | None:
    """Bring the devices of all processes together.

    Args:
        team: The processes.
        device: What this one sees.
        batch_size: B, of all of them together.
        corpus_sha256: Of the text that it has read.
        interruption: Takes the signals over again.
        check_cancelled: Called while others are waited for; it raises to give it up.

    Returns:
        None where one device of one process computes.

    Raises:
        ConfigError: If there are not so many devices, or the batch cannot be divided evenly.
        ClusterError: If the others train something else, or a port is in use.
        CorpusError: If they have another text.
        BrokenClusterError: If one of them does not come.
    """
    placement = team.placement
    if placement.is_plain:
        return None
    gpus = taken_gpus(placement, len(device.gpus))
    count = max(1, gpus) * placement.processes
    if count == 1:
        return None
    refuse_uneven(batch_size, count)
    team.join(
        {
            "program": __version__,
            "TensorFlow": tf.__version__,
            "Keras": keras.__version__,
            "corpus": corpus_sha256,
            "batch size": str(batch_size),
            "devices of each process": f"{gpus} GPUs" if gpus else "processor",
        },
        check_cancelled,
    )
    with in_contact(team):
        strategy = make_strategy(placement, gpus)
    interruption.take_over()
    return Replicas(strategy, placement.cluster.rank if placement.cluster else 0)
