"""What contenders compute on: as many threads as they are told, and the same kind of device."""

import json
import os
import runpy
import sys
from types import SimpleNamespace

import pytest
import tensorflow as tf

from kdmri_tf.benchmarks import matrix_product, network_file, training
from kdmri_tf.benchmarks.artefacts import Artefacts
from kdmri_tf.benchmarks.inference_contenders import inference_groups

SIZE = (40, 36)


@pytest.fixture
def threads(monkeypatch):
    """What TensorFlow is told about its threads, where a process cannot be kept to some cores."""
    told = {}
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    for name in ("intra_op", "inter_op"):
        setter = f"set_{name}_parallelism_threads"
        monkeypatch.setattr(tf.config.threading, setter, lambda n, key=name: told.update({key: n}))
    return told


def test_matrix_products_have_as_many_threads_as_they_are_told(threads):
    matrix_product.prepare({"precision": "float32", "threads": 3})
    assert threads == {"intra_op": 3, "inter_op": 3}


@pytest.mark.parametrize("by_predict", [False, True])
def test_networks_have_as_many_threads_as_they_are_told(threads, tmp_path, by_predict):
    owner = Artefacts("student", "D2C1", tmp_path, SIZE, {})
    task = {"path": str(tmp_path / "student.keras"), "slices": owner.slices(SIZE, 1)}
    task |= {"by_predict": by_predict, "batch_size": 1, "tolerance": 1e-4, "threads": 2}
    network_file.prepare(task)
    assert threads == {"intra_op": 2, "inter_op": 2}


def test_processes_that_are_kept_to_their_cores_say_nothing_about_threads(threads, monkeypatch):
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None, raising=False)
    matrix_product.prepare({"precision": "float32", "threads": 3})
    assert threads == {}


def pytorch_tasks(contenders):
    return [json.loads(c.command[-1]) for c in contenders if c.framework == "PyTorch"]


def test_pytorch_computes_on_the_kind_of_device_that_tensorflow_has(monkeypatch, tmp_path):
    monkeypatch.setattr(training, "check_pytorch", lambda: None)
    owner = Artefacts("student", "D2C1", tmp_path, SIZE, {}, forms=())
    for kind, devices in {"CPU": [], "GPU": ["a stand-in"]}.items():
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda _, found=devices: found)
        (group,) = inference_groups([owner], [SIZE], [1], [1], torch=True)
        (trained,) = training.training_groups([(150, 150)], ["student"], torch=True)
        tasks = pytorch_tasks(group.contenders) + pytorch_tasks(trained.contenders)
        assert [task["device"] for task in tasks] == [kind] * 8


def test_pytorch_that_cannot_use_the_gpu_says_so(monkeypatch):
    for is_available in (True, False):
        cuda = SimpleNamespace(is_available=lambda answer=is_available: answer)
        monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(device=str, cuda=cuda))
        device_of = runpy.run_module("kdmri_tf.benchmarks.pytorch_device")["device_of"]
        assert device_of("CPU") == "cpu"
        if is_available:
            assert device_of("GPU") == "cuda"
    with pytest.raises(SystemExit, match=r"TensorFlow computes on a GPU here, which this PyTorch"):
        device_of("GPU")
