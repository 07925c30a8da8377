"""Arrays in .npy files, of which nothing is read but the header until they are used."""

import warnings
from os import PathLike

import numpy as np

from kdmri_tf.errors import InputError


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
