"""Batches that replicas share, as under `tf.distribute.MirroredStrategy`."""

from collections.abc import Sequence

import tensorflow as tf


def whole_batch(tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the slices of a whole batch, to every replica that holds a share of it.

    Where there is one replica, or none is running, the tensors are returned as they are. Gradients
    flow back to the replica that a slice comes from, summed over all.

    Args:
        tensors: the slices of this replica along their first axis.
    """
    replica = tf.distribute.get_replica_context()
    if replica is None or replica.num_replicas_in_sync == 1:
        return list(tensors)
    return [replica.all_gather(tensor, axis=0) for tensor in tensors]
