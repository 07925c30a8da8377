"""Raw data of the Calgary-Campinas set, single channel: one .npy file of k-space a volume."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.arrays import open_array
from kdmri_tf.errors import InputError
from kdmri_tf.volumes.array_volume import check_array
from kdmri_tf.volumes.kspace_convention import warn_of_rolled_image
from kdmri_tf.volumes.kspace_gaps import refuse_gaps
from kdmri_tf.volumes.reading import WAY_OUT, magnitude_volume, reading

# As in SFT-KD-Recon (2023): further out there is little brain.
NUM_CENTRE_SLICES = 110


def read_single_channel(path: Path) -> NDArray[np.float32]:
    """Reads the centre 110 slices of a volume, or all where there are fewer.

    The file holds k-space, float32 `(slices, H, W, 2)` (real, imaginary), uncentred; the images are
    |ortho inverse FFT|. Warns if the middle one seems to be rolled. The file is memory-mapped:
    slices that are left out are not read.

    Returns:
        Magnitude, float32 `(slices, H, W)`.

    Raises:
        InputError: unreadable or truncated, not float32, of another shape, empty, too large,
            undersampled, or with a NaN or an infinity.
    """
    with reading(path):
        try:
            kspace = open_array(path)
        except InputError as error:
            raise InputError(f"{error} {WAY_OUT}") from error
        if kspace.dtype != np.float32 or kspace.ndim != 4 or kspace.shape[-1] != 2:
            raise InputError(
                f"{path} is {kspace.dtype} of shape {kspace.shape}, but float32 (slices, height, "
                f"width, 2) is needed, real and imaginary part. {WAY_OUT}"
            )
        if kspace.size == 0:
            raise InputError(f"{path} is empty: its shape is {kspace.shape}. {WAY_OUT}")
        check_array(path, "k-space", kspace.shape, kspace.shape[1:3], kspace.dtype)
        first = max(0, (len(kspace) - NUM_CENTRE_SLICES) // 2)
        chosen = kspace[first : first + NUM_CENTRE_SLICES]
        for index, samples in enumerate((chosen != 0).any(axis=-1), start=first):
            refuse_gaps(samples, path, index)
        images = np.abs(np.fft.ifft2(chosen[..., 0] + 1j * chosen[..., 1], norm="ortho"))
        volume = magnitude_volume(images, path)
    warn_of_rolled_image(volume[len(volume) // 2], path, first + len(volume) // 2)
    return volume
