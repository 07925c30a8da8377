"""What differs between patients whatever their anatomy: how they lie, how bright tissue is."""

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.phantoms.geometry import pixel_axes, rotated
from kdmri_tf.phantoms.smooth_noise import SmoothNoise


class Pose:
    """Draws how a patient lies in the scanner and how the body departs from the textbook.

    Args:
        rng: generator that the pose is drawn from.
        tilt: largest rotation in the image plane, in degrees.
        bend: size of the smooth displacement that makes every contour irregular.
    """

    SIZE_RANGE = (0.90, 1.06)
    LARGEST_SHIFT = 0.05
    BEND_SCALE = (0.8, 0.3, 0.3)

    def __init__(self, rng: np.random.Generator, tilt: float, bend: float) -> None:
        self.angle = np.deg2rad(rng.uniform(-tilt, tilt))
        self.size = rng.uniform(*self.SIZE_RANGE)
        self.shift = rng.uniform(-self.LARGEST_SHIFT, self.LARGEST_SHIFT, 2).tolist()
        self.bend = bend
        self.bend_noise = SmoothNoise(rng, self.BEND_SCALE), SmoothNoise(rng, self.BEND_SCALE)

    def body_coordinates(self, shape: tuple[int, int], z: float) -> tuple[NDArray, NDArray]:
        """Returns where the pixels of the slice at height z lie in the textbook body, (x, y)."""
        rows, columns = pixel_axes(shape)
        x, y = np.meshgrid(columns - self.shift[0], rows - self.shift[1])
        x, y = rotated(x / self.size, y / self.size, self.angle)
        bend_x, bend_y = (self.bend * noise.on_pixels(shape, z) for noise in self.bend_noise)
        return x + bend_x, y + bend_y


def patient_contrast(rng: np.random.Generator, signals: dict[str, float]) -> dict[str, float]:
    """Returns the tissue signals, varied by up to 8 % between patients."""
    return {tissue: signal * rng.uniform(0.92, 1.08) for tissue, signal in signals.items()}
