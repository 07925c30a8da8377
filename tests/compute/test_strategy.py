"""Who takes part in a training, and what is said where they do not come."""

import json
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import tensorflow as tf
from free_ports import free_ports

from kdmri_tf import InputError, training_strategy
from kdmri_tf.compute import rendezvous, replicas, strategy
from kdmri_tf.compute.rendezvous import await_workers

WORKERS = {"cluster": {"worker": ["first:2222", "second:2222"]}}


def test_an_unknown_name():
    with pytest.raises(InputError, match="Unknown strategy 'tpu'; choose one of none, mirrored"):
        training_strategy("tpu")


def test_all_devices_of_this_machine():
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    strategy = training_strategy("mirrored")
    assert strategy.num_replicas_in_sync == len(devices)
    assert {device.rpartition("/")[2] for device in strategy.extended.worker_devices} == {
        device.name.rpartition("/")[2] for device in devices
    }


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("", "needs TF_CONFIG in the environment of every worker"),
        ("{", "JSONDecodeError: Expecting property name"),
        ("[]", "TF_CONFIG cannot be read"),
        (json.dumps(WORKERS), "KeyError: 'task'"),
        (json.dumps({**WORKERS, "task": {"type": "worker", "index": 2}}), "no worker 2"),
        (json.dumps({**WORKERS, "task": {"type": "evaluator", "index": 0}}), "no evaluator 0"),
        (
            json.dumps({"cluster": {"worker": ["here"]}, "task": {"type": "worker", "index": 0}}),
            "'here' is not host:port",
        ),
        (
            json.dumps({"cluster": {"worker": ["a:1"], "chief": ["b:1"]}, "task": {}}),
            "the cluster must have workers alone",
        ),
    ],
)
def test_workers_that_nobody_describes(monkeypatch, config, message):
    monkeypatch.delenv("SLURM_PROCID", raising=False)
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(InputError, match=message):
        training_strategy("multiworker")


def in_slurm(monkeypatch, rank, nodes="node[1-2]", **more):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    of_gpus = ("CUDA_VISIBLE_DEVICES", "SLURM_GPUS_PER_TASK", "SLURM_GPUS_ON_NODE")
    for name in (*of_gpus, "SLURMD_NODENAME"):
        monkeypatch.delenv(name, raising=False)
    facts = {
        "SLURM_PROCID": str(rank),
        "SLURM_STEP_NUM_TASKS": "4",
        "SLURM_STEP_NODELIST": nodes,
        "SLURM_STEP_TASKS_PER_NODE": "2(x2)",
    }
    for name, value in {**facts, **more}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("rank", "gpus", "own"),
    [(0, "4,5,6,7", "4,5"), (3, "4,5,6,7", "6,7"), (3, "0,1,2", "1"), (1, "5", "5"), (1, "", "")],
)
def test_tasks_share_the_gpus_that_slurm_gives_a_node(monkeypatch, rank, gpus, own):
    in_slurm(monkeypatch, rank, CUDA_VISIBLE_DEVICES=gpus)
    strategy._resolver(os.environ)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == own


@pytest.mark.parametrize(
    ("gpus", "own", "facts"),
    [
        ("0,1", "0,1", {"SLURM_GPUS_PER_TASK": "2"}),
        ("0,1", "0,1", {"SLURM_GPUS_PER_TASK": "a100:2", "SLURM_GPUS_ON_NODE": "2"}),
        ("4,5", "4,5", {"SLURM_GPUS_ON_NODE": "4"}),  # bound in another way
        ("4,5,6,7", "6,7", {"SLURM_GPUS_ON_NODE": "4"}),
        ("4,5,6,7", "6,7", {"SLURM_GPUS_PER_TASK": "2", "SLURM_GPUS_ON_NODE": "4"}),  # unbound
    ],
)
def test_gpus_that_slurm_has_shared_out_are_not_divided_again(monkeypatch, gpus, own, facts):
    in_slurm(monkeypatch, 3, CUDA_VISIBLE_DEVICES=gpus, **facts)
    strategy._resolver(os.environ)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == own


def test_nodes_in_another_order_than_their_names(monkeypatch):
    in_slurm(monkeypatch, 0, "node[2,10]", SLURMD_NODENAME="node2")
    with pytest.raises(InputError, match="task 0 runs on node2, where TensorFlow expects node10"):
        strategy._resolver(os.environ)
    in_slurm(monkeypatch, 0, "node[02,10]", SLURMD_NODENAME="node02")
    assert strategy._resolver(os.environ).task_id == 0


@pytest.mark.parametrize(("kind", "index", "number"), [("chief", 0, 0), ("worker", 0, 1)])
def test_a_chief_is_the_first(kind, index, number):
    spec = tf.train.ClusterSpec({"chief": ["a:1"], "worker": ["b:1", "c:1"]})

    class StandIn:
        cluster_resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            spec, task_type=kind, task_id=index
        )

    assert replicas.worker_number(StandIn) == number
    assert replicas.is_chief(StandIn) == (number == 0)


@pytest.mark.parametrize(("rank", "first"), [(0, True), (3, False)])
def test_workers_that_slurm_describes(monkeypatch, rank, first):
    """Two nodes without GPUs, two tasks on each."""
    in_slurm(monkeypatch, rank)
    resolver = strategy._resolver(os.environ)
    addresses = ["node1:8888", "node1:8889", "node2:8888", "node2:8889"]
    assert resolver.cluster_spec().as_dict() == {"worker": addresses}
    assert resolver.task_id == rank
    assert resolver.num_accelerators() == {"GPU": len(tf.config.list_physical_devices("GPU"))}

    class StandIn:
        cluster_resolver = resolver

    assert replicas.has_other_workers(StandIn)
    assert replicas.is_chief(StandIn) == first


def test_slurm_without_a_step(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    for name in ("STEP_NUM_TASKS", "STEP_NODELIST", "STEP_TASKS_PER_NODE"):
        monkeypatch.delenv(f"SLURM_{name}", raising=False)
    monkeypatch.setenv("SLURM_PROCID", "0")
    with pytest.raises(InputError, match=r"SLURM_STEP_NUM_TASKS not found .* by srun"):
        training_strategy("multiworker")


def test_a_worker_that_does_not_come():
    first, second = free_ports(2)
    addresses = [f"localhost:{first}", f"localhost:{second}"]
    message = f"Not all 2 workers came within 0.1 s: no answer from localhost:{second}. Start"
    with pytest.raises(InputError, match=message):
        await_workers(addresses, 0, 0.1)


def test_workers_that_come():
    first, second = free_ports(2)
    with socket.create_server(("", second)):
        await_workers([f"localhost:{first}", f"localhost:{second}"], 0, 10.0)


def test_workers_find_each_other_by_ipv6():
    first, second = free_ports(2)
    try:
        socket.create_server(("::1", second), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this system has no IPv6")
    addresses = [f"[::1]:{first}", f"[::1]:{second}"]
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(await_workers, addresses, 0, 20.0)
        while not rendezvous._answers(addresses[0]) and not waiting.done():
            time.sleep(0.05)
        with socket.create_server(("::1", second), family=socket.AF_INET6):
            waiting.result()


def test_a_port_that_is_in_use():
    (port,) = free_ports(1)
    with (
        socket.create_server(("", port)),
        pytest.raises(InputError, match=f"cannot listen at its address localhost:{port}"),
    ):
        await_workers([f"localhost:{port}", "localhost:1"], 0, 1.0)


def test_one_process_writes_and_counts_alone():
    alone = tf.distribute.get_strategy()
    assert replicas.is_chief(alone)
    assert replicas.of_all_workers(alone, 3) == (3, 3)
    logs = {"loss": tf.constant(1.0)}
    assert replicas.as_logs(logs) == logs
    assert float(replicas.share_of_batch(tf.constant(3.0))) == 1


def test_fillers_do_not_count():
    target = tf.zeros((3, 4, 4, 1))
    assert float(replicas.counted_slices(target, None)) == 3
    assert float(replicas.counted_slices(target, tf.constant([0.5, 0.0, 2.0]))) == 3
    assert float(replicas.counted_slices(target[:1], tf.constant([0.0]))) == 0
