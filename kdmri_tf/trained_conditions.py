"""Warnings that a network is used on other images or masks than it was trained on."""

import warnings

import numpy as np

from kdmri_tf.masks import phase_encode_axis, true_acceleration

ACCELERATION_TOLERANCE = 0.05


def warn_of_differences(metadata, image_size, mask=None, scale=None):
    """Warns of each difference from what the network was trained on, as far as that is known.

    Args:
        metadata: of a `Reconstructor`.
        image_size: (H, W).
        mask: float32 `(H, W)`, unshifted; None for super-resolution.
        scale: by which the resolution was lowered; None if not known.
    """
    trained_size = tuple(metadata.get("image_size") or image_size)
    if trained_size != tuple(image_size):
        _warn(f"slices of {_text(trained_size)} pixels, and these have {_text(image_size)}")
    trained_scale = metadata.get("scale")
    if scale and trained_scale and scale != trained_scale:
        _warn(f"scale {trained_scale:g}, and this is {scale:g}")
    if mask is not None:
        difference = _difference_of_masks(metadata, mask, trained_size == tuple(image_size))
        if difference:
            _warn(difference)


def _difference_of_masks(metadata, mask, same_size):
    acceleration, trained = true_acceleration(mask), metadata.get("acceleration")
    if trained and abs(acceleration / trained - 1) > ACCELERATION_TOLERANCE:
        return f"acceleration {trained:.2f}, and this mask has {acceleration:.2f}"
    axis, lines = metadata.get("phase_encode_axis"), metadata.get("measured_lines")
    if axis is not None and phase_encode_axis(mask) != axis:
        measured = ("rows", "columns")[axis]
        return f"a mask of whole {measured}, and this one has other samples"
    if axis is None or lines is None or not same_size or metadata.get("random_masks"):
        return None
    if lines != np.flatnonzero(mask.any(axis=1 - axis)).tolist():
        return "other lines of the same number"
    return None


def _text(image_size):
    return "x".join(map(str, image_size))


def _warn(difference):
    warnings.warn(f"The network was trained on {difference}; expect worse images.", stacklevel=3)
