"""fastMRI HDF5 files: centred k-space of one coil or of many."""

from pathlib import Path

import h5py
import numpy as np

from kdmri_tf.errors import InputError
from tfds_builders.centered_kspace import magnitude_from_kspace, root_sum_of_squares
from tfds_builders.raw_volume import WAY_OUT, magnitude_volume, reading


def read_fastmri(path: Path) -> np.ndarray:
    """Read the dataset `kspace` of a fastMRI file and return its images.

    One coil, complex `(slices, H, W)`: |centred ortho inverse FFT|. Several coils, complex
    `(slices, coils, H, W)`: the root sum of squares of these over the coils. The images keep the
    size of the k-space; nothing is cropped here.

    Returns:
        Magnitude, float32 `(slices, H, W)`.

    Raises:
        InputError: unreadable or truncated, without `kspace`, not complex, of another rank,
            empty, or with a NaN or an infinity.
    """
    with reading(path), h5py.File(path) as file:
        return magnitude_volume(images_of_kspace(file, path), path)


def images_of_kspace(file: h5py.File, path: Path) -> np.ndarray:
    """Return the magnitude images `(slices, H, W)` of the dataset `kspace` of an open file."""
    if "kspace" not in file:
        found = ", ".join(file) or "nothing"
        raise InputError(f"{path} has no dataset 'kspace' (found: {found}). {WAY_OUT}")
    kspace = file["kspace"]
    if kspace.dtype.kind != "c" or kspace.ndim not in (3, 4):
        raise InputError(
            f"{path}: 'kspace' is {kspace.dtype} of shape {kspace.shape}, but complex "
            f"(slices, height, width) or (slices, coils, height, width) is needed. {WAY_OUT}"
        )
    if kspace.size == 0:
        raise InputError(f"{path}: 'kspace' is empty, its shape is {kspace.shape}. {WAY_OUT}")
    image_of = magnitude_from_kspace if kspace.ndim == 3 else root_sum_of_squares
    # Slice by slice: the coils of a whole volume may take gigabytes.
    return np.stack([image_of(kspace[index]) for index in range(len(kspace))])
