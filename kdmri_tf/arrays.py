"""Arrays in files: .npy, of which only the header is read until they are used, and archives."""

import math
import warnings
import zipfile
from os import PathLike

import numpy as np

from kdmri_tf.errors import InputError
from kdmri_tf.sizes import check_network_file

ARRAY = ".npy"  # suffix of the entries of a .npz file
VERSION = (1, 0)  # of their headers, as NumPy writes them


def open_array(path: str | PathLike[str]) -> np.memmap:
    """Opens the array of a .npy file, memory-mapped and read-only.

    A file that claims to be larger than it is costs no memory. The format has no checksum.

    Args:
        path: the file, which exists.

    Raises:
        InputError: it is no .npy file, is damaged, or ends too early.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(f"{folder}/a.npy", np.arange(6).reshape(2, 3))
        ...     open_array(f"{folder}/a.npy").shape
        (2, 3)
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a broken header makes Python say of its syntax
            return np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # a broken header is parsed as Python, which fails in many ways
        raise InputError(f"{path} cannot be read ({_reason(error)}).") from error


def check_archive(path: str | PathLike[str]) -> None:
    """Refuses an archive that unpacks to more than it should, or to something else.

    The sizes that it states are added up first; then it is unpacked block by block, which finds
    sizes that are no such and what its checksums say, and costs no memory.

    Args:
        path: a `.keras` or `.npz` file.

    Raises:
        InputError: it is too large for a network.
        ValueError: an entry is damaged, or its array claims to be larger than the entry.
        Exception: of many kinds, from zipfile, where the archive is damaged.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(f"{folder}/a.npz", weight=np.ones(3))
        ...     check_archive(f"{folder}/a.npz")
    """
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        check_network_file(sum(entry.file_size for entry in entries), "it")
        damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"{damaged} in it is damaged")
        for entry in entries:
            if entry.filename.endswith(ARRAY):
                _check_array(archive, entry)


def _reason(error: Exception) -> str:
    """Returns in a few words what is wrong with a file."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error)
    if "magic string" in text:
        return "it is no .npy file"
    if "greater than file size" in text:
        return "it ends before its last value"
    if "Python objects" in text:
        return "it holds Python objects instead of numbers"
    return "its .npy header is damaged"


def _check_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Refuses an array whose header claims more values than there are bytes."""
    with archive.open(entry) as file:
        if np.lib.format.read_magic(file) != VERSION:
            raise ValueError(f"the header of {entry.filename} is of another version")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    if math.prod(shape) * dtype.itemsize > entry.file_size:
        raise ValueError(f"{entry.filename} claims to be larger than it is")
