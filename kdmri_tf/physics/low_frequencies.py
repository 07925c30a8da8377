"""The centre of k-space: the low frequencies that an image at low resolution keeps."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError


def center_window(image_size: Sequence[int], size: Sequence[int]) -> NDArray[np.float32]:
    """Returns the mask of the h x w lowest frequencies: n of them from -(n // 2) upwards.

    Args:
        image_size: (H, W).
        size: (h, w).

    Returns:
        float32 `(H, W)` of 0 and 1, unshifted.

    Example:
        >>> center_window((4, 4), (2, 2)).astype(int).tolist()
        [[1, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1]]
    """
    window = np.zeros(tuple(image_size), np.float32)
    window[np.ix_(*map(lowest_frequencies, image_size, size))] = 1
    return window


def lowest_frequencies(length: int, count: int) -> NDArray[np.intp]:
    """Returns where the lowest frequencies of an unshifted FFT are, in the order of a short one.

    Example:
        >>> lowest_frequencies(8, 3).tolist()  # frequencies 0, 1, -1
        [0, 1, 7]
    """
    return np.r_[0 : count - count // 2, length - count // 2 : length]


def kept_size(image_size: Sequence[int], scale: float) -> tuple[int, int]:
    """Returns (h, w): 1 / scale of the frequencies along each axis, rounded.

    Raises:
        InputError: the scale is below 1, not finite, or leaves nothing.

    Example:
        >>> kept_size((256, 218), scale=4)
        (64, 54)
    """
    check_scale(scale)
    height, width = image_size
    size = round(height / scale), round(width / scale)
    if min(size) < 1:
        raise InputError(
            f"Scale {scale:g} leaves nothing of images of {height}x{width} pixels; choose a "
            "smaller one."
        )
    return size


def check_scale(scale: float) -> None:
    """Raises an InputError for a scale of super-resolution that is not finite or below 1."""
    if not 1 <= scale < np.inf:
        raise InputError(f"The scale must be a finite number of at least 1; got {scale}.")
