"""What all readers of raw files share: clear errors, and checks of what was read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError, in_one_line

WAY_OUT = "Replace the file, or leave it out (--skip-unreadable; in code skip_unreadable=True)."


@contextmanager
def reading(path: Path, way_out: str = WAY_OUT) -> Iterator[None]:
    """Turns whatever a file library raises on a damaged file into an InputError that names it.

    Args:
        path: the file that is read in this context.
        way_out: the last sentence of the message; may be empty.
    """
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:  # the libraries raise many unrelated types on a damaged file
        reason = in_one_line(error) or "no reason given"
        message = f"{path} cannot be read ({type(error).__name__}: {reason}). {way_out}"
        raise InputError(message.rstrip()) from error


def magnitude_of(array: NDArray) -> NDArray[np.float32]:
    """Returns |array| of real or complex numbers in float32, infinity where it is too large."""
    if not np.iscomplexobj(array):
        array = array.astype(np.float64)  # the magnitude of the lowest integer overflows
    with np.errstate(over="ignore"):
        return np.abs(array).astype(np.float32)


def magnitude_volume(array: NDArray, path: Path) -> NDArray[np.float32]:
    """Checks an image volume and returns its magnitude.

    Args:
        array: real or complex images `(slices, H, W)`, any numeric dtype, arbitrary units.
        path: the file it came from, for error messages.

    Returns:
        |array|, float32 `(slices, H, W)`.

    Raises:
        InputError: not numeric, not three axes, empty, or with a NaN or an infinity.
    """
    array = np.asarray(array)
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        raise InputError(f"{path} holds {array.dtype} values instead of numbers. {WAY_OUT}")
    if array.ndim != 3:
        raise InputError(
            f"{path} has shape {array.shape} instead of three axes (slices, height, width). "
            f"{WAY_OUT}"
        )
    if array.size == 0:
        raise InputError(f"{path} is empty: its shape is {array.shape}. {WAY_OUT}")
    images = magnitude_of(array)
    if not np.isfinite(images).all():
        raise InputError(f"{path} contains NaN or infinity. {WAY_OUT}")
    return images
