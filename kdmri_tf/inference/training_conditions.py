"""The images and masks a network was trained on, by its metadata, see `networks.saved`."""

import warnings

import numpy as np

from kdmri_tf.errors import InputError
from kdmri_tf.physics.masks import phase_encode_axis, true_acceleration

ACCELERATION_TOLERANCE = 0.05
TRAINED = "trained"


def trained_mask(metadata, image_size, path):
    """The mask of the network's training, or of its validation if training drew masks at random.

    Args:
        metadata: of a `Reconstructor`.
        image_size: (H, W) of the images to undersample.
        path: of the network, for error messages.

    Returns:
        float32 `(H, W)`, unshifted.

    Raises:
        InputError: the metadata do not say which lines it measured, as of a mask of other samples
            or of a network outside its stage's folder, or it was made for another size.
    """
    facts = [metadata.get(key) for key in ("phase_encode_axis", "measured_lines", "image_size")]
    if None in facts:
        raise InputError(
            f"{path} does not say which lines were measured in its training: give what "
            "train/export.py made, or a .keras file in the folder of its stage, or --mask with the "
            "mask's .npy file."
        )
    axis, lines, trained_size = facts
    if tuple(trained_size) != tuple(image_size):
        raise InputError(
            f"The mask of {path} is made for slices of {_text(trained_size)} pixels, and these "
            f"have {_text(image_size)}: undersample them with --acc 4."
        )
    measured = np.zeros(image_size[axis], np.float32)
    measured[lines] = 1
    return np.ascontiguousarray(np.broadcast_to(np.expand_dims(measured, 1 - axis), image_size))


def warn_of_differences(metadata, image_size, mask=None, scale=None):
    """Warns of differences from what the network was trained on, as far as that is known.

    Of masks the first of these: their acceleration, their axis, their lines.

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
