"""Replicas and workers train what one process trains."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from command_line import command, run
from free_ports import free_ports

from kdmri_tf import DCCNN, Distiller, InputError, load_network, share_batches
from kdmri_tf.compute import replicas
from kdmri_tf.training.fit import _check_same_start

# 6 slices in batches of 5: the last batch has one, and the second replica none of it.
FLAGS = (
    *("--filters", "4", "--epochs", "3", "--batch-size", "5"),
    *("--lr-schedule", "cosine", "--ema-momentum", "0.5", "--whole-batches"),
)

# In a process with two processors, of which TensorFlow has to be told before it begins.
STAGES = """
import json, sys
import numpy as np, tensorflow as tf
import kdmri_tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
source, folder = json.loads(sys.argv[1]), sys.argv[2]
from kdmri_tf.training import fit
fit.VALIDATION_BATCH_SIZE = 3  # 4 slices: the last batch has one
data = kdmri_tf.load_data("cardiac", 2, **source)
coarse = kdmri_tf.load_super_resolution("cardiac", 2, **source)
scanned = kdmri_tf.load_data("cardiac", 2, coils=2, **source)
variation = {"random_masks": True, "augment": kdmri_tf.random_flips}
varied = kdmri_tf.load_data("cardiac", 2, **variation, **source)
def trained(name):
    settings = kdmri_tf.TrainingSettings(epochs=3, batch_size=5, filters=4, schedule="cosine",
                                         ema_momentum=0.5)
    strategy = kdmri_tf.training_strategy(name)
    experiment = kdmri_tf.Experiment(data, f"{folder}/{name}", settings, strategy=strategy)
    friendly, start = experiment.friendly_teacher("D3C2", "D2C2")
    student = experiment.distil(friendly, "D2C2", joint=True, start=start)
    alone = experiment.student("D2C1")
    others = [
        kdmri_tf.Experiment(other, experiment.run_dir, settings, strategy=strategy).student(network)
        for other, network in ((coarse, "VDSR3"), (scanned, "D2C2"), (varied, "D3C1"))
    ]
    tables = [np.genfromtxt(path, delimiter=",", names=True)
              for path in sorted(experiment.run_dir.glob("*/log.csv"))]
    logs = [table[name] for table in tables for name in ("loss", "val_loss")]
    with strategy.scope():
        own = kdmri_tf.DCCNN(2, 1, filters=4)
        own.set_weights([weight + 0.01 for weight in alone.get_weights()])
        own.compile(tf.keras.optimizers.SGD(0.1), loss="mae", metrics=["mae"])
    own.fit(data.batches("train", 2), epochs=2, verbose=0)  # as Keras shares them
    logs.append(np.array(own.evaluate(data.batches("validation", 2), verbose=0)))
    return [network.get_weights() for network in (friendly, student, alone, *others, own)], logs
weights, logs = trained("none")
shared, shared_logs = trained("mirrored")
apart = max(np.abs(a - b).max() for one, two in zip(weights, shared) for a, b in zip(one, two))
logs_apart = max(np.abs(a / b - 1).max() for a, b in zip(logs, shared_logs))
print(json.dumps([float(apart), float(logs_apart), len(logs)]))
"""


@contextlib.contextmanager
def workers_of(count, *arguments):
    """Starts a command in workers of this machine, and ends those that are left."""
    workers = [f"localhost:{port}" for port in free_ports(count)]
    processes = []
    for index in range(count):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": {"worker": workers}, "task": task})
        processes.append(
            subprocess.Popen(
                command(*arguments, "--strategy", "multiworker"),
                env={**os.environ, "TF_CONFIG": config},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()


def outcomes(processes):
    """Waits for them; returns (status, standard output, standard error) of each."""
    texts = [process.communicate(timeout=240) for process in processes]
    return [(p.returncode, *text) for p, text in zip(processes, texts, strict=True)]


def assert_same_weights(path, expected_path):
    for weight, expected in zip(
        load_network(path).get_weights(), load_network(expected_path).get_weights(), strict=True
    ):
        np.testing.assert_allclose(weight, expected, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_replicas_train_what_one_process_trains(tiny_source, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", STAGES, json.dumps(tiny_source, default=str), str(tmp_path)],
        **{"capture_output": True, "text": True, "check": False},
    )
    assert done.returncode == 0, done.stderr
    apart, logs_apart, stages = json.loads(done.stdout.splitlines()[-1])
    assert stages == 13
    assert apart < 1e-5
    assert logs_apart < 1e-5


@pytest.mark.slow
def test_one_processor_is_mirrored(tiny_flags, tmp_path):
    flags = ("--epochs", "1", "--filters", "4", "--teacher", "D2C1", "--strategy", "mirrored")
    run("teacher", *tiny_flags, *flags, "--run-dir", tmp_path)
    assert (tmp_path / "teacher-D2C1/model.keras").exists()


def test_one_replica_takes_shared_batches(data):
    model = Distiller(DCCNN(3, 1, filters=4), DCCNN(2, 1, filters=4))
    model.compile("adam")
    batches = data.batches("train", 4, seed=0, first_epoch=0)
    shared = share_batches(batches, model.distribute_strategy, 4)
    history = model.fit(shared, epochs=1, steps_per_epoch=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_workers_at_different_epochs(monkeypatch):
    monkeypatch.setattr(replicas, "of_all_workers", lambda strategy, number: (0, number))
    _check_same_start(None, 0)
    with pytest.raises(InputError, match=r"different epochs \(0 to 3\): give them one --run-dir"):
        _check_same_start(None, 3)


@pytest.mark.slow
def test_workers_train_what_one_process_trains(tiny_flags, tmp_path, run_here):
    flags = ("teacher", *tiny_flags, *FLAGS, "--teacher", "D2C2", "--run-dir")
    run_here(*flags, tmp_path / "one")
    with workers_of(2, *flags, tmp_path / "two") as workers:
        first, second = outcomes(workers)
    assert first[0] == second[0] == 0, first[2] + second[2]
    assert "Epoch 3/3" in first[1]
    assert "Epoch" not in second[1]
    assert_same_weights(*(tmp_path / run / "teacher-D2C2/model.keras" for run in ("two", "one")))
    assert (tmp_path / "two/teacher-D2C2/evaluation.md").exists()


@pytest.mark.slow
def test_workers_distil_what_one_process_distils(tiny_flags, tmp_path, run_here):
    """The chief alone evaluates and exports."""
    small = ("--filters", "4", "--epochs", "1", "--batch-size", "3", "--whole-batches")
    networks = ("--method", "sp", "--teacher", "D3C2", "--student", "D2C2")
    flags = ("kd", *tiny_flags, *small, *networks, "--run-dir")
    run_here(*flags, tmp_path / "one")
    with workers_of(2, *flags, tmp_path / "two") as workers:
        first, second = outcomes(workers)
    assert first[0] == second[0] == 0, first[2] + second[2]
    assert [text.count("| KD student |") for text in (first[1], second[1])] == [1, 0]
    assert (tmp_path / "two/saved_model").is_dir()
    for stage in ("teacher-D3C2", "student-D2C2", "sp-D2C2", "kd-sp-D2C2"):
        assert_same_weights(*(tmp_path / run / stage / "model.keras" for run in ("two", "one")))


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("victim", [0, 1])
def test_a_worker_that_is_killed(tiny_flags, tmp_path, run_here, victim):
    flags = ("teacher", *tiny_flags, *FLAGS, "--epochs", "25", "--teacher", "D2C2", "--run-dir")
    run_here(*flags, tmp_path / "one")
    log, end = tmp_path / "two/teacher-D2C2/log.csv", time.monotonic() + 240
    with workers_of(2, *flags, tmp_path / "two") as workers:
        while not (log.exists() and len(log.read_text().splitlines()) > 4):
            assert all(worker.poll() is None for worker in workers)
            assert time.monotonic() < end
            time.sleep(0.1)
        workers[victim].kill()
        status, _, errors = outcomes(workers)[1 - victim]
    assert status == 2, errors
    assert errors.startswith("error: Another worker has stopped or cannot be reached any more")
    assert "Traceback" not in errors
    assert not Path(tmp_path, "two/teacher-D2C2/model.keras").exists()
    with workers_of(2, *flags, tmp_path / "two") as workers:
        first, second = outcomes(workers)
    assert first[0] == second[0] == 0, first[2] + second[2]
    assert "Continuing after epoch" in first[1]
    assert_same_weights(*(tmp_path / run / "teacher-D2C2/model.keras" for run in ("two", "one")))
