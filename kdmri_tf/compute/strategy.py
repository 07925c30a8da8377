"""How one training is spread over devices, processes and machines: strategies of TensorFlow."""

import json
import os
import re
from collections.abc import Mapping, MutableMapping

import tensorflow as tf

from kdmri_tf.choices import STRATEGIES
from kdmri_tf.compute.rendezvous import await_workers
from kdmri_tf.errors import InputError

WAIT_SECONDS = 300.0
MOST_TASKS = 1024  # of one node without GPUs


def training_strategy(
    name: str = "none", wait_seconds: float = WAIT_SECONDS
) -> tf.distribute.Strategy:
    """Makes the strategy of that name.

    "none" trains on one device. "mirrored" is `tf.distribute.MirroredStrategy` on all GPUs of this
    machine, or, where there is none, on all its logical CPUs. "multiworker" is
    `tf.distribute.MultiWorkerMirroredStrategy` over several processes, each with the same command:
    `TF_CONFIG` names them, or the variables that Slurm gives every task of a step. That one has to
    be made before TensorFlow computes anything.

    Build networks, or an `Experiment`, with it: replicas share every batch, and train what one
    process trains on whole batches, to rounding.

    Args:
        name: one of "none", "mirrored" and "multiworker".
        wait_seconds: how long workers wait for each other at the start.

    Raises:
        InputError: an unknown name; "multiworker" without a description of the workers, or with one
            that cannot be read; workers that do not come in time.

    Example:
        >>> from kdmri_tf import training_strategy
        >>> training_strategy("none").num_replicas_in_sync
        1
    """
    if name not in STRATEGIES:
        raise InputError(f"Unknown strategy {name!r}; choose one of {', '.join(STRATEGIES)}.")
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    resolver = _resolver(os.environ)
    await_workers(resolver.cluster_spec().as_dict()["worker"], resolver.task_id, wait_seconds)
    return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)


def _resolver(
    environment: MutableMapping[str, str],
) -> tf.distribute.cluster_resolver.ClusterResolver:
    """Returns what knows the workers: by `TF_CONFIG`, else by Slurm."""
    if environment.get("TF_CONFIG"):
        _check_config(environment["TF_CONFIG"])
        return tf.distribute.cluster_resolver.TFConfigClusterResolver()
    if "SLURM_PROCID" in environment:
        return _slurm_resolver(environment)
    raise InputError(
        "--strategy multiworker needs TF_CONFIG in the environment of every worker, such as "
        '\'{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", '
        '"index": 0}}\', or Slurm: start it by srun.'
    )


def _slurm_resolver(
    environment: MutableMapping[str, str],
) -> tf.distribute.cluster_resolver.ClusterResolver:
    """Returns what Slurm's variables say, one worker a task; each gets its share of a node's GPUs.

    TensorFlow must not have looked for GPUs before: this hides those of the other tasks, unless
    Slurm has done so already.
    """
    resolvers = tf.distribute.cluster_resolver
    try:
        # Its own count of GPUs takes nvidia-smi, and their numbers for 0, 1, 2 ...
        slurm = resolvers.SlurmClusterResolver(
            gpus_per_node=MOST_TASKS, gpus_per_task=1, auto_set_gpu=False
        )
        workers = slurm.cluster_spec().as_dict()["worker"]
    except (RuntimeError, ValueError, KeyError) as error:
        raise InputError(
            f"Slurm's variables do not describe the workers ({error}): start the command by srun, "
            "or describe the workers in TF_CONFIG."
        ) from error
    own, nodes = slurm.task_id, [address.rpartition(":")[0] for address in workers]
    here = environment.get("SLURMD_NODENAME", nodes[own])
    if here != nodes[own]:
        raise InputError(
            f"Slurm's task {own} runs on {here}, where TensorFlow expects {nodes[own]}, as it "
            "takes nodes in the order of their names: describe the workers in TF_CONFIG."
        )
    gpus = [gpu for gpu in environment.get("CUDA_VISIBLE_DEVICES", "").split(",") if gpu]
    share = 0 if _are_own(len(gpus), environment) else len(gpus) // nodes.count(here)
    if share:  # else there are none, or fewer than tasks: then they are this task's own as well
        first = share * nodes[:own].count(here)
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus[first : first + share])
    return resolvers.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": workers}),
        **{"task_type": "worker", "task_id": own, "rpc_layer": "grpc"},
        num_accelerators={"GPU": len(tf.config.list_physical_devices("GPU"))},
    )


def _are_own(visible: int, environment: Mapping[str, str]) -> bool:
    """Tells whether Slurm has given this task so many GPUs of its own, not all of its node's."""
    # Such as "2" or "a100:2"; with --gpu-bind=none a task sees more than those.
    each = re.findall(r"(\d+)(?:,|$)", environment.get("SLURM_GPUS_PER_TASK", ""))
    if each:
        return visible <= sum(map(int, each))
    on_node = environment.get("SLURM_GPUS_ON_NODE", "")
    return on_node.isdecimal() and visible < int(on_node)


def _check_config(text: str) -> None:
    """Refuses a TF_CONFIG that does not describe workers and which of them this process is."""
    try:
        config = json.loads(text)
        workers, task = config["cluster"]["worker"], config["task"]
        if len(config["cluster"]) > 1:
            raise ValueError("the cluster must have workers alone")
        if task["type"] != "worker" or not 0 <= int(task["index"]) < len(workers):
            raise ValueError(f"there is no {task['type']} {task['index']}")
        for address in workers:
            host, _, port = address.rpartition(":")
            if not host or not 0 < int(port) < 2**16:
                raise ValueError(f"{address!r} is not host:port")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"TF_CONFIG cannot be read ({type(error).__name__}: {error}): it must be JSON such as "
            '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", '
            '"index": 0}}.'
        ) from error
