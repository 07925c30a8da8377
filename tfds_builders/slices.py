"""One slice: its size, its scale, and whether it shows anything."""

from types import EllipsisType

import numpy as np
from numpy.typing import NDArray


def center_crop_or_pad(image: NDArray, size: tuple[int, int]) -> NDArray:
    """Crops an image about its centre, or surrounds it with zeros, to `size`.

    Along each axis, index `n // 2` of the input comes to index `m // 2` of the output (n and m the
    lengths, odd or even), so that the centre of a centred FFT stays the centre.

    Args:
        image: `(..., H, W)`.
        size: the new (height, width) in pixels.

    Returns:
        `(..., *size)`, in the dtype of `image`.
    """
    result = np.zeros((*image.shape[:-2], *size), image.dtype)
    source: list[EllipsisType | slice] = [...]
    target: list[EllipsisType | slice] = [...]
    for length, new_length in zip(image.shape[-2:], size, strict=True):
        shift = new_length // 2 - length // 2
        source.append(slice(max(0, -shift), min(length, new_length - shift)))
        target.append(slice(max(0, shift), min(new_length, length + shift)))
    result[tuple(target)] = image[tuple(source)]
    return result


def is_blank(image: NDArray) -> bool:
    """Returns whether no pixel is above zero, in which case the slice cannot be normalised."""
    return bool(image.max() <= 0)


def normalize(image: NDArray) -> NDArray[np.float32]:
    """Divides a slice that is not blank by its own maximum, so that a magnitude is in [0, 1]."""
    return (image / image.max()).astype(np.float32)
