"""MATLAB files, v5 and v7.3, of which the second are HDF5 files with all axes reversed."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np
import scipy.io
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.array_volume import check_array
from kdmri_tf.volumes.geometry import VoxelGrid
from kdmri_tf.volumes.hdf5_content import dataset_within, has_link
from kdmri_tf.volumes.mat5 import check_mat5, names_in_mat5
from kdmri_tf.volumes.volume import KspaceVolume, names_of_frames

RECORD = ("real", "imag")  # how MATLAB v7.3 stores a complex number

Part = tuple[slice | int, ...]  # of an array, in the order of axes that it has in MATLAB
ReadPart = Callable[[Part], NDArray]


def read_mat(path: Path, stack: ExitStack) -> KspaceVolume:
    """Returns the k-space of a MATLAB file; see `open_volume`.

    The variable whose name begins with `kspace`, as in the CMRxRecon challenge (`kspace_full`,
    `kspace_sub04`, ...), or is `kus` (its later years) or `rawdata` (the knees of the
    variational network). Its axes are (kx, ky, coil, slice, time), as far as they are there; of
    `kspace_single...`, which is of one coil, (kx, ky, slice, time). So the readout runs along H.
    Slices of the volume are slice by slice, all frames of one after another.
    """
    is_hdf5 = h5py.is_hdf5(path)
    names = mat_names(path)
    found = [name for name in names if name.startswith("kspace") or name in ("kus", "rawdata")]
    if len(found) != 1:
        what = f"both {' and '.join(found[:2])}" if found else "no k-space"
        raise InputError(
            f"{path} has {what}: give a file with one variable kspace_..., kus or rawdata (it has: "
            f"{', '.join(names) or 'nothing'})."
        )
    (name,) = found
    if is_hdf5:
        dataset = dataset_within(stack.enter_context(h5py.File(path)), name, path)
        shape, dtype = dataset.shape[::-1], dataset.dtype

        def read(chosen: Part) -> NDArray:
            return complex_values(dataset[chosen[::-1]]).T

    else:
        array = _mat5_array(path, name)
        shape, dtype = array.shape, array.dtype

        def read(chosen: Part) -> NDArray:
            return array[chosen]

    if dtype.names != RECORD and dtype.kind != "c":
        raise InputError(f"{path}: '{name}' is {dtype}, but must be complex.")
    return _volume(path, name, shape, read)


def _volume(path: Path, name: str, shape: tuple[int, ...], read: ReadPart) -> KspaceVolume:
    """Returns the volume of a variable, given its shape and how to read a part of it."""
    has_coils = len(shape) > 2 and not name.startswith("kspace_single")
    num_coils, *rest = shape[2:] if has_coils else (1, *shape[2:])
    if len(shape) < 2 or len(rest) > 2:
        raise InputError(
            f"{path}: '{name}' has shape {shape}, but must be (kx, ky, coil, slice, time), or the "
            "first of these axes."
        )
    image_size = shape[0], shape[1]
    check_array(path, name, shape, image_size, np.dtype(complex))
    num_slices, num_frames = (*rest, 1, 1)[:2]

    def read_slice(index: int) -> NDArray:
        coils = (slice(None),) if has_coils else ()
        position = divmod(index, num_frames)[: len(rest)]
        part = read((slice(None), slice(None), *coils, *position))
        return np.moveaxis(part, -1, 0) if has_coils else part

    return KspaceVolume(
        path,
        num_slices * num_frames,
        image_size,
        VoxelGrid.of_voxels(),
        read_slice,
        names_of_frames(num_frames),
        num_coils=num_coils,
    )


def mat_array(path: Path, name: str) -> NDArray | None:
    """Reads a variable of numbers, in the order of axes that it has in MATLAB.

    Returns:
        The array; None if there is no variable of this name.

    Raises:
        InputError: it holds no numbers, is empty, too large, or elsewhere than in the file.
        ValueError, OSError, zlib.error: the file is damaged.
    """
    if not h5py.is_hdf5(path):
        return _mat5_array(path, name) if name in names_in_mat5(path) else None
    with h5py.File(path) as file:
        if not has_link(file, name):
            return None
        dataset = dataset_within(file, name, path)
        check_array(path, name, dataset.shape, dataset.shape[:-3:-1], np.dtype(complex))
        return complex_values(dataset[()]).T


def complex_values(stored: NDArray) -> NDArray:
    """Returns records of a real and an imaginary part as complex numbers; others as they are."""
    if stored.dtype.names != RECORD:
        return stored
    return stored["real"] + 1j * stored["imag"]


def _mat5_array(path: Path, name: str) -> NDArray:
    check_mat5(path, name)
    return scipy.io.loadmat(path, variable_names=[name])[name]


def mat_names(path: Path) -> list[str]:
    """Returns the names of all variables."""
    if not h5py.is_hdf5(path):
        return names_in_mat5(path)
    with h5py.File(path) as file:
        return [name for name in file if not name.startswith("#")]  # MATLAB's own
