"""What TensorFlow computes on in training, in words, and a GPU that it leaves idle."""

from pathlib import Path

import tensorflow as tf

from kdmri_tf.compute.cores import num_cores

# The first GPU of a machine with NVIDIA's driver for Linux.
NVIDIA_DEVICE = Path("/dev/nvidia0")


def devices_in_words() -> str:
    """Says what trains here, such as "2 CPU cores" or "4 GPUs (NVIDIA H200)"."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        cores = num_cores()
        return f"{cores} CPU core{'s' * (cores > 1)}"
    details = (tf.config.experimental.get_device_details(gpu) for gpu in gpus)
    names = dict.fromkeys(detail.get("device_name", "unnamed") for detail in details)
    return f"{len(gpus)} GPU{'s' * (len(gpus) > 1)} ({', '.join(names)})"


def idle_gpu() -> str:
    """Says in a sentence that this machine has a GPU which TensorFlow does not use; else empty."""
    if tf.config.list_physical_devices("GPU") or not NVIDIA_DEVICE.exists():
        return ""
    return (
        "This machine has an NVIDIA GPU, but TensorFlow does not find it or CUDA's libraries: run "
        'pip install "tensorflow[and-cuda]", or set TF_CPP_MIN_LOG_LEVEL=0 to see what it lacks.'
    )
