"""What a training says that it runs on."""

from types import SimpleNamespace

import pytest
import tensorflow as tf

from kdmri_tf.compute import devices
from kdmri_tf.compute.cores import num_cores
from kdmri_tf.compute.devices import devices_in_words, idle_gpu


@pytest.fixture
def gpus(monkeypatch):
    """Sets which GPUs TensorFlow sees, by their names."""

    def set_gpus(*names):
        found = [SimpleNamespace(name=name) for name in names]
        details = lambda gpu: {"device_name": gpu.name} if gpu.name else {}  # noqa: E731
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: found)
        monkeypatch.setattr(tf.config.experimental, "get_device_details", details)

    return set_gpus


def test_cores(monkeypatch):
    assert devices_in_words() == f"{num_cores()} CPU core{'s' * (num_cores() > 1)}"
    monkeypatch.setattr(devices, "num_cores", lambda: 1)
    assert devices_in_words() == "1 CPU core"


def test_gpus(gpus):
    gpus("NVIDIA H200")
    assert devices_in_words() == "1 GPU (NVIDIA H200)"
    gpus("NVIDIA H200", "NVIDIA H200", "")
    assert devices_in_words() == "3 GPUs (NVIDIA H200, unnamed)"


def test_a_gpu_that_is_not_used(gpus, monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "NVIDIA_DEVICE", tmp_path / "nvidia0")
    gpus()
    assert idle_gpu() == ""
    (tmp_path / "nvidia0").touch()
    assert "has an NVIDIA GPU, but TensorFlow does not find it" in idle_gpu()
    assert 'pip install "tensorflow[and-cuda]"' in idle_gpu()
    gpus("NVIDIA H200")
    assert idle_gpu() == ""
