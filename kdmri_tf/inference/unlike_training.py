"""Warnings of inputs that a network was not trained for: another scale, or centred k-space."""

import warnings
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.volumes.kspace_convention import forgot_shift

# Of slices whose fully sampled maximum is 1: raw data are off by thousands.
USUAL_MAXIMUM = (0.05, 20.0)


def warn_if_unlike_training(arrays: Mapping[str, NDArray[np.float32]], stacklevel: int) -> None:
    """Warns if the first slices of a batch are scaled or shifted as no slice in training.

    Args:
        arrays: of a network's inputs by their names, with the batch as first axis; see
            `Reconstructor`.
        stacklevel: of the warning, 1 for the caller.
    """
    if "low_resolution" in arrays:
        maximum = float(np.abs(arrays["low_resolution"][0]).max())
        _warn_of_scale("low_resolution", maximum, stacklevel + 1)
        return
    kspace = arrays["kspace"][0, ..., 0] + 1j * arrays["kspace"][0, ..., 1]
    coils = kspace.reshape(-1, *kspace.shape[-2:])
    if forgot_shift(coils, centered=False):
        warnings.warn(
            "The low frequencies of kspace are not around [0, 0], where this network has them. Of "
            "k-space with the zero frequency in the centre, np.fft.fft2(np.fft.fftshift("
            "np.fft.ifft2(np.fft.ifftshift(kspace)))), each over the last two axes, is the other; "
            "of its mask, np.fft.ifftshift(mask).",
            stacklevel=stacklevel + 1,
        )
    images = np.fft.ifft2(coils, norm="ortho")
    maximum = float(np.sqrt((np.abs(images) ** 2).sum(axis=0)).max())
    _warn_of_scale("kspace", maximum, stacklevel + 1)


def _warn_of_scale(name: str, maximum: float, stacklevel: int) -> None:
    """Warns of a maximum, if it is not 0, that no slice with maximum 1 has."""
    lowest, highest = USUAL_MAXIMUM
    if maximum and not lowest < maximum < highest:
        warnings.warn(
            f"The zero-filled image of {name} has the maximum {maximum:.3g}, but the network was "
            f"trained on slices with maximum 1: divide {name} by {maximum:.3g}, and multiply the "
            "reconstructed image by it.",
            stacklevel=stacklevel + 1,
        )
