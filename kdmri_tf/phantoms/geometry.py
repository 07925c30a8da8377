"""Lengths, angles and shapes on the pixels of a phantom; see `canvas` for the conventions."""

import numpy as np
from numpy.typing import NDArray


def pixel_axes(shape: tuple[int, int]) -> tuple[NDArray, NDArray]:
    """Returns y of the rows, float32 (H,), and x of the columns, float32 (W,)."""
    rows, columns = (
        (np.arange(side, dtype=np.float32) + 0.5 - side / 2) / (min(shape) / 2) for side in shape
    )
    return rows, columns


def length(x: NDArray, y: NDArray) -> NDArray:
    """Returns the length of the vector (x, y); `np.hypot` avoids overflow and is far slower."""
    return np.sqrt(x * x + y * y)


def rotated(x: NDArray, y: NDArray, angle: float) -> tuple[NDArray, NDArray]:
    """Returns the coordinates of the same points along axes turned by `angle` (radians)."""
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return x * cosine + y * sine, y * cosine - x * sine


def blended(first: NDArray, second: NDArray, radius: float) -> NDArray:
    """Unites two shapes, with inner corners rounded off over `radius`."""
    overlap = np.maximum(radius - np.abs(first - second), 0)
    return np.minimum(first, second) - overlap**2 / (4 * radius)


def presence(z: float, centre: float, reach: float) -> float:
    """Returns how much of a structure is seen at height z: 1 at `centre`, then less.

    A parabola: 0 at a distance of `reach` from `centre`, below 0 beyond. It multiplies radii, so
    that structures end roundly.
    """
    return 1 - ((z - centre) / reach) ** 2
