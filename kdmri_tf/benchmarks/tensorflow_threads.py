"""How many threads TensorFlow has in a contender."""

import os


def limit_threads(threads: int) -> None:
    """Sets TensorFlow's threads where a process cannot be kept to some cores, as on macOS.

    Elsewhere TensorFlow goes by the cores that `take_part` has left to the process. Call it before
    TensorFlow computes anything.

    Args:
        threads: of one operation, and operations at a time.
    """
    if hasattr(os, "sched_setaffinity"):
        return
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
