"""The images and masks that a network was trained on, as its metadata has them."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.physics.masks import phase_encode_axis, true_acceleration

ACCELERATION_TOLERANCE = 0.05
TRAINED = "trained"


def trained_mask(
    metadata: Mapping[str, Any], image_size: Sequence[int], path: Path | str
) -> NDArray[np.float32]:
    """Returns the mask that a network was trained with.

    If training drew its masks at random, that is the mask of validation.

    Args:
        metadata: of a `Reconstructor`.
        image_size: (H, W) of the images to undersample.
        path: of the network, for error messages.

    Returns:
        float32 `(H, W)`, unshifted.

    Raises:
        InputError: the metadata does not say which lines were measured, as for a mask of other
            samples or a network outside its stage's folder; or the mask has another size.
    """
    axis, lines = metadata.get("phase_encode_axis"), metadata.get("measured_lines")
    trained_size = metadata.get("image_size")
    if axis is None or lines is None or trained_size is None:
        raise InputError(
            f"{path} does not say which lines its training measured: give a file that kdmri export "
            "made, a .keras file in the folder of its stage, or the mask's .npy file "
            "(--mask; in code mask)."
        )
    if tuple(trained_size) != tuple(image_size):
        raise InputError(
            f"The mask of {path} was made for slices of {_text(trained_size)} pixels, but these "
            f"have {_text(image_size)}: draw another with --acc 4 (in code acceleration=4)."
        )
    measured = np.zeros(image_size[axis], np.float32)
    measured[lines] = 1
    mask = np.broadcast_to(np.expand_dims(measured, 1 - axis), tuple(image_size))
    return np.ascontiguousarray(mask)


def warn_of_other_conditions(
    metadata: Mapping[str, Any],
    image_size: Sequence[int],
    mask: NDArray[np.float32] | None = None,
    scale: float | None = None,
    coils: int | None = None,
) -> None:
    """Warns where images or masks differ from what a network was trained on, if that is known.

    A mask is compared by acceleration, axis and lines; only the first difference is named.

    Args:
        metadata: of a `Reconstructor`.
        image_size: (H, W).
        mask: float32 `(H, W)`, unshifted; None for super-resolution.
        scale: the factor by which the resolution was lowered; None if it is not known.
        coils: of complex images; None for magnitudes. One coil and several are different tasks:
            only several tell of what was not measured.
    """
    trained_size = tuple(metadata.get("image_size") or image_size)
    if trained_size != tuple(image_size):
        _warn(f"slices of {_text(trained_size)} pixels, but these have {_text(image_size)}")
    trained_coils = metadata.get("coils")
    if coils and trained_coils and (coils == 1) != (trained_coils == 1):
        _warn(f"k-space of {_coils(trained_coils)}, but this has {_coils(coils)}")
    trained_scale = metadata.get("scale")
    if scale and trained_scale and scale != trained_scale:
        _warn(f"scale {trained_scale:g}, but this is {scale:g}")
    if mask is not None:
        difference = _difference_of_masks(metadata, mask, trained_size == tuple(image_size))
        if difference:
            _warn(difference)


def _difference_of_masks(
    metadata: Mapping[str, Any], mask: NDArray[np.float32], same_size: bool
) -> str | None:
    acceleration, trained = true_acceleration(mask), metadata.get("acceleration")
    if trained and abs(acceleration / trained - 1) > ACCELERATION_TOLERANCE:
        return f"acceleration {trained:.2f}, but this mask has {acceleration:.2f}"
    axis, lines = metadata.get("phase_encode_axis"), metadata.get("measured_lines")
    if axis is not None and phase_encode_axis(mask) != axis:
        measured = ("rows", "columns")[axis]
        return f"a mask of whole {measured}, but this one has other samples"
    if axis is None or lines is None or not same_size or metadata.get("random_masks"):
        return None
    if lines != np.flatnonzero(mask.any(axis=1 - axis)).tolist():
        return "other lines of the same number"
    return None


def _coils(count: int) -> str:
    return "one coil" if count == 1 else f"{count} coils"


def _text(image_size: Sequence[int]) -> str:
    return "x".join(map(str, image_size))


def _warn(difference: str) -> None:
    warnings.warn(f"The network was trained on {difference}; images may be worse.", stacklevel=3)
