"""New arrays in files, memory-mapped, with their room on the disk allocated.

Of a file that is merely as long as it should be, a full disk ends the process when a value is
written (SIGBUS), without a word.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

HDF5_OVERHEAD = 2**16  # bytes, more than what HDF5 writes around a dataset
BLOCK = 2**20


def new_npy(path: Path, shape: Sequence[int], dtype: type[np.generic] = np.float32) -> np.memmap:
    """Makes a .npy file of zeros and returns its array.

    Raises:
        OSError: there is no room for it.
    """
    array = np.lib.format.open_memmap(path, "w+", dtype, shape=tuple(shape))
    _allocate(path, path.stat().st_size)
    return array


def new_hdf5(path: Path, shape: Sequence[int], note: str) -> np.memmap:
    """Makes an HDF5 file with a dataset `reconstruction` of zeros and returns its array.

    HDF5 itself would end the process on a full disk, after an error, when it closes the file.

    Args:
        path: the file to make.
        shape: of the dataset, float32.
        note: becomes an attribute of the file.

    Raises:
        OSError: there is no room for it.
    """
    path.touch()
    _allocate(path, 4 * int(np.prod(shape)) + HDF5_OVERHEAD)
    with h5py.File(path, "w") as file:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        creation.set_fill_time(h5py.h5d.FILL_TIME_NEVER)  # what is allocated is 0
        creation.set_obj_track_times(False)  # the same values make the same file
        space = h5py.h5s.create_simple(tuple(shape))
        name, kind = b"reconstruction", h5py.h5t.IEEE_F32LE
        offset = h5py.h5d.create(file.id, name, kind, space, creation).get_offset()
        file.attrs["note"] = note
    _allocate(path, path.stat().st_size)
    return np.memmap(path, "<f4", "r+", offset, tuple(shape))


def _allocate(path: Path, num_bytes: int) -> None:
    """Allocates the first bytes of a file; those behind its end become 0.

    Raises:
        OSError: there is no room for them.
    """
    with open(path, "r+b") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, num_bytes)
            return
        for position in range(0, num_bytes, BLOCK):  # what is written anew is allocated
            length = min(BLOCK, num_bytes - position)
            file.seek(position)
            block = file.read(length)
            file.seek(position)
            file.write(block.ljust(length, b"\0"))
