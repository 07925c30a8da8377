"""Reads networks and features from the golden numbers of the released PyTorch code."""

import numpy as np

from kdmri_tf import DCCNN


def network(numbers, architecture, prefix=""):
    """A DCCNN without residual that carries the golden weights (OIHW there, HWIO here)."""
    model = DCCNN.from_name(architecture, residual=False)
    weights = []
    for cascade in range(1, model.num_cascades + 1):
        for conv in range(1, model.num_convs + 1):
            name = f"{prefix}cascade{cascade}_conv{conv}"
            weights.append(numbers[f"{name}_kernel_OIHW"].transpose(2, 3, 1, 0))
            weights.append(numbers[f"{name}_bias"])
    model.set_weights(weights)
    return model


def inputs(numbers):
    """The golden k-space and mask as model inputs."""
    kspace = numbers["kspace"]
    return {
        "kspace": np.stack([kspace.real, kspace.imag], axis=-1),
        "mask": np.broadcast_to(numbers["mask"], kspace.shape).astype(np.float32),
    }


def channels_last(features):
    """`(..., C, H, W)` to `(..., H, W, C)`."""
    return np.moveaxis(features, -3, -1)
