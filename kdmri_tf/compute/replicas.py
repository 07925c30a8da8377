"""What replicas of a `tf.distribute` strategy, each with a part of every batch, tell each other."""

from collections.abc import Mapping, Sequence

import tensorflow as tf


def number_of_replicas() -> int:
    """Returns how many replicas share the batches of the strategy that is in force."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def has_other_workers(strategy: tf.distribute.Strategy) -> bool:
    """Tells whether replicas of other processes, here or on other machines, take part."""
    resolver = strategy.cluster_resolver
    return resolver is not None and len(_addresses(resolver.cluster_spec().as_dict())) > 1


def worker_number(strategy: tf.distribute.Strategy) -> int:
    """Returns the place of this process among all that train: 0 of the chief."""
    if not has_other_workers(strategy):
        return 0
    resolver = strategy.cluster_resolver
    chiefs = len(resolver.cluster_spec().as_dict().get("chief", ()))
    return resolver.task_id + (chiefs if resolver.task_type == "worker" else 0)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Tells whether this process is the one that writes: the chief, or the first worker."""
    return worker_number(strategy) == 0


def of_all_workers(strategy: tf.distribute.Strategy, number: float) -> tuple[float, float]:
    """Returns the smallest and the largest of what the workers give here.

    Waits for all of them. Without other workers: the number twice.

    Args:
        strategy: that the workers share.
        number: what this one gives.
    """
    if not has_other_workers(strategy):
        return number, number

    def gathered() -> tf.Tensor:
        replica = tf.distribute.get_replica_context()
        return replica.all_gather(tf.constant([number], tf.float32), axis=0)

    values = strategy.experimental_local_results(strategy.run(tf.function(gathered)))[0]
    return float(tf.reduce_min(values)), float(tf.reduce_max(values))


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
    # What a step is given is on no device, which several workers gather to: a copy is on this one.
    return [replica.all_gather(tf.identity(tensor), axis=0) for tensor in tensors]


def counted_slices(target: tf.Tensor, weight: tf.Tensor | None) -> tf.Tensor:
    """Returns how many slices of this replica count, float32: none if all weights are 0."""
    slices = tf.cast(tf.shape(target)[0], tf.float32)
    if weight is None:
        return slices
    return tf.where(tf.reduce_any(weight != 0), slices, 0.0)


def share_of_batch(slices: tf.Tensor) -> tf.Tensor:
    """Returns the share that this replica has of a batch, so that the shares of all add up to 1.

    The mean over a batch is the sum over replicas of share times mean: exactly, also where the
    last batch of a pass gives some a slice more than others, or none.

    Args:
        slices: how many of this replica count.
    """
    replica = tf.distribute.get_replica_context()
    if replica is None or replica.num_replicas_in_sync == 1:
        return tf.ones_like(slices)
    return slices / replica.all_reduce(tf.distribute.ReduceOp.SUM, slices)


def as_logs(logs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Returns the logs of a step as Keras takes them: of several workers with an axis to average.

    Keras reduces them by `strategy.reduce("MEAN", logs, axis=0)` then, which scalars have not.
    """
    if not has_other_workers(tf.distribute.get_strategy()):
        return dict(logs)
    return {name: tf.reshape(value, (1,)) for name, value in logs.items()}


def _addresses(cluster: Mapping[str, Sequence[str]]) -> list[str]:
    """Returns the addresses of all processes that train."""
    return [address for job in ("chief", "worker") for address in cluster.get(job, ())]
