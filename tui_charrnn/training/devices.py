"""What TensorFlow computes on: threads and memory set before its first operation."""

import os

import keras
import tensorflow as tf


def configure_devices(threads: int | None) -> str:
    """Set the threads, let GPU memory grow with the need, and name the device.

    Args:
        threads: Processor threads for one operation; None takes all.

    Returns:
        The name of the first GPU, or `CPU`.
    """
    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, enable=True)
    if not gpus:
        return "CPU"
    details = tf.config.experimental.get_device_details(gpus[0])
    return str(details.get("device_name", "GPU"))


def thread_count(threads: int | None) -> int:
    """How many threads one operation may take."""
    if threads is not None:
        return threads
    if hasattr(os, "sched_getaffinity"):  # Linux: those that this process may use
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def library_versions() -> dict[str, str]:
    """The libraries that the bits of a result depend on."""
    return {"tensorflow": tf.__version__, "keras": keras.__version__}
