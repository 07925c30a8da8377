"""Who takes part in a training, and what is said where they do not come."""

import json
import socket

import pytest
import tensorflow as tf
from free_ports import free_ports

from kdmri_tf import InputError, training_strategy
from kdmri_tf.compute import replicas, strategy
from kdmri_tf.compute.rendezvous import await_workers

WORKERS = {"cluster": {"worker": ["first:2222", "second:2222"]}}


def test_an_unknown_name():
    with pytest.raises(InputError, match="Unknown strategy 'tpu'; choose one of none, mirrored"):
        training_strategy("tpu")


def test_all_devices_of_this_machine():
    assert training_strategy("mirrored").num_replicas_in_sync == 1


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
    ],
)
def test_workers_that_nobody_describes(monkeypatch, config, message):
    monkeypatch.delenv("SLURM_PROCID", raising=False)
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(InputError, match=message):
        training_strategy("multiworker")


@pytest.mark.parametrize(("rank", "first"), [(0, True), (3, False)])
def test_workers_that_slurm_describes(monkeypatch, rank, first):
    """Two nodes without GPUs, two tasks on each."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setenv("PATH", "")  # without nvidia-smi
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    facts = {
        "PROCID": str(rank),
        "STEP_NUM_TASKS": "4",
        "STEP_NODELIST": "node[1-2]",
        "STEP_TASKS_PER_NODE": "2(x2)",
    }
    for name, value in facts.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    resolver = strategy._resolver({"SLURM_PROCID": str(rank)})
    addresses = ["node1:8888", "node1:8889", "node2:8888", "node2:8889"]
    assert resolver.cluster_spec().as_dict() == {"worker": addresses}
    assert resolver.task_id == rank

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


def test_slices_of_weight_0_do_not_count():
    target = tf.zeros((3, 4, 4, 1))
    assert float(replicas.counted_slices(target, None)) == 3
    assert float(replicas.counted_slices(target, tf.constant([0.5, 0.0, 2.0]))) == 2
