"""Raw data of the variational-network knee set (Hammernik et al., MRM 2018)."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.centered_kspace import root_sum_of_squares
from kdmri_tf.volumes.kspace_convention import warn_of_rolled_image
from kdmri_tf.volumes.kspace_gaps import refuse_gaps
from kdmri_tf.volumes.mat_file import mat_array
from kdmri_tf.volumes.reading import WAY_OUT, magnitude_volume, reading

KEY = "rawdata"


def read_rawdata(path: Path) -> NDArray[np.float32]:
    """Reads one `rawdata<k>.mat`, the centred k-space of one slice, and combines its coils.

    MATLAB v5 and v7.3 files; key `rawdata`, complex `(H, W, coils)`, or `(H, W)` for a single coil.
    The image is the root sum of squares over the coils of the |centred ortho inverse FFT|. Warns
    if it seems to be rolled.

    Returns:
        Magnitude, float32 `(1, H, W)`.

    Raises:
        InputError: unreadable or truncated, without `rawdata`, not complex, of another rank,
            empty, too large, elsewhere than in the file, undersampled, or with a NaN or an
            infinity.
    """
    with reading(path):
        kspace = mat_array(path, KEY)
    if kspace is None:
        raise InputError(f"{path} has no variable 'rawdata'. {WAY_OUT}")
    if kspace.ndim == 2:
        kspace = kspace[..., np.newaxis]  # MATLAB drops a last axis of length 1
    if not np.iscomplexobj(kspace) or kspace.ndim != 3:
        raise InputError(
            f"{path}: 'rawdata' is {kspace.dtype} of shape {kspace.shape}, but complex "
            f"(height, width, coils) is needed. {WAY_OUT}"
        )
    if kspace.size == 0:
        raise InputError(f"{path}: 'rawdata' is empty, its shape is {kspace.shape}. {WAY_OUT}")
    refuse_gaps(np.fft.ifftshift((kspace != 0).any(axis=2)), path, "slice 0")
    volume = magnitude_volume(root_sum_of_squares(np.moveaxis(kspace, 2, 0))[np.newaxis], path)
    warn_of_rolled_image(volume[0], path, index=0)
    return volume
