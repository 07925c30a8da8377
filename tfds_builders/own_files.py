"""Volumes of the user's own: NIfTI, NumPy and HDF5 files."""

from pathlib import Path

import h5py
import numpy as np

from tfds_builders.fastmri import images_of_kspace
from tfds_builders.nifti import read_nifti
from tfds_builders.raw_volume import magnitude_volume, reading

IMAGE_DATASETS = ("image", "reconstruction_esc", "reconstruction_rss")


def read_npy(path: Path) -> np.ndarray:
    """Read real or complex images `(H, W)` or `(slices, H, W)` from a `.npy` file.

    Returns:
        Magnitude, float32 `(slices, H, W)`.

    Raises:
        InputError: unreadable, pickled, of another rank, empty, or with a NaN or an infinity.
    """
    with reading(path):
        images = np.load(path, allow_pickle=False)
    return magnitude_volume(images[np.newaxis] if images.ndim == 2 else images, path)


def read_hdf5(path: Path) -> np.ndarray:
    """Read images from an HDF5 file.

    The first dataset that is there of `image`, `reconstruction_esc` and `reconstruction_rss`, real
    or complex images `(H, W)` or `(slices, H, W)`; else centred `kspace` as in fastMRI.

    Returns:
        Magnitude, float32 `(slices, H, W)`.

    Raises:
        InputError: unreadable or truncated, without any of these datasets, of another rank,
            empty, or with a NaN or an infinity.
    """
    with reading(path), h5py.File(path) as file:
        for name in IMAGE_DATASETS:
            if name in file:
                images = file[name][()]
                return magnitude_volume(images[np.newaxis] if images.ndim == 2 else images, path)
        return magnitude_volume(images_of_kspace(file, path), path)


READERS = {".nii": read_nifti, ".nii.gz": read_nifti, ".npy": read_npy, ".h5": read_hdf5}
