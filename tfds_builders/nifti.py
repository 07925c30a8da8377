"""NIfTI volumes: ACDC, MRBrainS and the user's own."""

from pathlib import Path

import nibabel
import numpy as np

from kdmri_tf.errors import InputError
from tfds_builders.raw_volume import WAY_OUT, magnitude_volume, reading


def read_nifti(path: Path) -> np.ndarray:
    """Read the slices of a 3-D NIfTI image.

    NIfTI stores (x, y, z): an image has its rows along y and its columns along x, so the height
    is array axis 1, the width axis 0 and the slice axis 2. The papers' masks are laid over images
    read this way. The scaling of the header (slope and intercept) is applied.

    Returns:
        Magnitude, float32 `(slices, H, W)`.

    Raises:
        InputError: unreadable or truncated, neither 3-D nor 4-D with a last axis of length 1,
            empty, or with a NaN or an infinity.
    """
    with reading(path):
        volume = np.asanyarray(nibabel.load(path).dataobj)
    if volume.ndim == 4 and volume.shape[3] == 1:
        volume = volume[..., 0]
    if volume.ndim != 3:
        raise InputError(
            f"{path} has shape {volume.shape}, but a 3-D image (x, y, slices) is needed. {WAY_OUT}"
        )
    return magnitude_volume(volume.transpose(2, 1, 0), path)
