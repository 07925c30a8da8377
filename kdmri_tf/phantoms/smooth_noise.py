"""Random fields that vary smoothly in space: texture, folds, and bends of contours."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from kdmri_tf.phantoms.geometry import pixel_axes


class SmoothNoise:
    """Draws a random field of zero mean and unit variance, smooth in all three directions.

    It is white noise on a periodic lattice (z, y, x), filtered by a Gaussian and interpolated
    linearly.

    Args:
        rng: generator that the lattice is drawn from.
        scale: standard deviation of the Gaussian in half fields of view, about the radius of a
            spot; a number, or one for each of (z, y, x).
    """

    LATTICE_POINTS = 48
    FILTER_WIDTH = 1.5  # in lattice points: enough for linear interpolation to stay smooth

    def __init__(self, rng: np.random.Generator, scale: float | tuple[float, ...]) -> None:
        white = rng.standard_normal((self.LATTICE_POINTS,) * 3, dtype=np.float32)
        smooth = ndimage.gaussian_filter(white, self.FILTER_WIDTH, mode="wrap")
        self.lattice = (smooth - smooth.mean()) / smooth.std()
        self.points_per_unit = self.FILTER_WIDTH / np.broadcast_to(scale, 3).astype(np.float32)

    def on_pixels(self, shape: tuple[int, int], z: float) -> NDArray:
        """Returns the field, float32 (H, W), on the pixels of the slice at height z."""
        rows, columns = pixel_axes(shape)
        z_scale, row_scale, column_scale = self.points_per_unit
        plane = _interpolated(self.lattice, np.array([z], np.float32) * z_scale)[0]
        plane = _interpolated(plane.T, columns * column_scale).T
        return _interpolated(plane, rows * row_scale)

    def at(self, z: NDArray, y: NDArray, x: NDArray) -> NDArray:
        """Returns the field, float32, at any points, three arrays of one shape; slow."""
        points = np.stack([z, y, x]) * self.points_per_unit.reshape(3, *[1] * x.ndim)
        return ndimage.map_coordinates(self.lattice, points, order=1, mode="grid-wrap")


def _interpolated(lattice: NDArray, positions: NDArray) -> NDArray:
    """Interpolates linearly, and periodically, along the first axis."""
    below = np.floor(positions).astype(int)
    fraction = (positions - below).reshape(-1, *[1] * (lattice.ndim - 1)).astype(np.float32)
    before = lattice.take(below, axis=0, mode="wrap")
    after = lattice.take(below + 1, axis=0, mode="wrap")
    return before + fraction * (after - before)
