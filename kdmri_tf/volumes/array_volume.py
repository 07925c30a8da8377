"""Volumes of arrays and HDF5 datasets, whose last axes are (H, W)."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.sizes import check_image_size, check_volume_size
from kdmri_tf.volumes.geometry import VoxelGrid
from kdmri_tf.volumes.volume import ImageVolume, KspaceVolume


def volume_of_array(
    path: Path, name: str, array: NDArray | h5py.Dataset, grid: VoxelGrid, is_kspace: bool
) -> ImageVolume:
    """Returns the volume of an array or HDF5 dataset, of which nothing is read yet.

    Args:
        path: its file.
        name: what messages call the array.
        array: images `([slices,] H, W)` or centred k-space `([slices, [coils,]] H, W)`.
        grid: where the voxels lie.
        is_kspace: which of the two it is.

    Raises:
        InputError: it has another shape, or as `check_array`.
    """
    if array.ndim not in ((2, 3, 4) if is_kspace else (2, 3)):
        axes = "[slices, [coils,]] height, width" if is_kspace else "[slices,] height, width"
        raise InputError(f"{path}: '{name}' has shape {array.shape}, but must be ({axes}).")
    image_size = int(array.shape[-2]), int(array.shape[-1])
    check_array(path, name, array.shape, image_size, array.dtype)

    def read_slice(index: int) -> NDArray:
        return array[()] if array.ndim == 2 else array[index]

    num_slices = 1 if array.ndim == 2 else len(array)
    facts = path, num_slices, image_size, grid, read_slice
    if not is_kspace:
        return ImageVolume(*facts)
    return KspaceVolume(*facts, num_coils=array.shape[1] if array.ndim == 4 else 1)


def check_array(
    path: Path, name: str, shape: Sequence[int], image_size: tuple[int, int], dtype: np.dtype
) -> None:
    """Refuses, before it is read, an array that is empty, no numbers, or too large for a volume.

    Raises:
        InputError: that is so.
    """
    if min(shape) < 1:
        raise InputError(f"{path}: '{name}' is empty: its shape is {tuple(shape)}.")
    if dtype.kind not in "biufc":
        raise InputError(f"{path}: '{name}' holds {dtype} values instead of numbers.")
    height, width = image_size
    check_image_size(image_size, f"{path}: each slice of '{name}', {height}x{width},")
    check_volume_size(shape, f"{path}: '{name}', of shape {tuple(shape)},")
