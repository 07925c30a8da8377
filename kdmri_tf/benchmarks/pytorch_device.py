"""Where the PyTorch contenders compute: on the kind of device that TensorFlow has here."""

import sys

import torch


def device_of(kind: str) -> torch.device:
    """Returns the device of this kind; ends the process if PyTorch cannot use one.

    Args:
        kind: "CPU" or "GPU".
    """
    if kind == "CPU":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        sys.exit(
            "TensorFlow computes on a GPU here, which this PyTorch cannot use: install one that "
            "can, or hide the GPU from both (CUDA_VISIBLE_DEVICES=-1)."
        )
    return torch.device("cuda")
