"""The phase of complex images, which networks that are trained on real images do not know."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Frequencies on each side of 0 that a smooth phase has at most.
LARGEST_HALF_WIDTH = 15
ROUNDING = 1e-6


def without_smooth_phase(
    image: NDArray[np.complexfloating[Any, Any]], mask: NDArray[np.float32]
) -> NDArray[np.complexfloating[Any, Any]]:
    """Returns the image times exp(-i phi), where phi is the phase of the image at low resolution.

    The low resolution keeps the frequencies around 0 that the mask measures without a gap, at most
    15 on each side along both axes, under a triangular window. An image without negative values
    has none at this resolution either, and is returned unchanged.

    Args:
        image: complex `(H, W)`, zero-filled.
        mask: `(H, W)` of 0 and 1, unshifted.

    Returns:
        Complex `(H, W)`; real up to noise and aliasing where phi is all the phase there is.
    """
    half_width = min(_gapless(mask[:, 0]), _gapless(mask[0, :]), LARGEST_HALF_WIDTH)
    low = np.fft.ifft2(np.fft.fft2(image) * _triangle(image.shape, half_width))
    shows = np.abs(low) > ROUNDING * np.abs(low).max()
    return image * np.exp(-1j * np.where(shows, np.angle(low), 0))


def _gapless(line: NDArray[np.float32]) -> int:
    """Returns how far on both sides of 0 an unshifted line of a mask is measured."""
    sides = np.minimum(line[1:], line[:0:-1])  # frequencies k and -k
    return int(np.argmin(np.append(sides, 0)))


def _triangle(shape: tuple[int, ...], half_width: int) -> NDArray[np.float64]:
    """Returns 1 at frequency 0, falling to 0 beyond `half_width` along both axes; unshifted."""
    rows, columns = (
        np.maximum(0, 1 - np.abs(np.fft.fftfreq(length, 1 / length)) / (half_width + 1))
        for length in shape
    )
    return np.outer(rows, columns)
