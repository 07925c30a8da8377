"""The uneven brightness that a coil array gives to an image."""

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.phantoms.geometry import pixel_axes


class CoilArray:
    """Draws receiver coils around the body, whose root sum of squares shades the image smoothly."""

    NUM_COILS = 6
    RING_RADIUS = 1.5  # half fields of view from the centre
    REACH = 1.3  # distance at which a coil's sensitivity has halved

    def __init__(self, rng: np.random.Generator) -> None:
        angles = rng.uniform(0, 2 * np.pi) + np.arange(self.NUM_COILS) * 2 * np.pi / self.NUM_COILS
        x, y = self.RING_RADIUS * np.cos(angles), self.RING_RADIUS * np.sin(angles)
        z = rng.uniform(-0.5, 0.5, self.NUM_COILS)
        gain = rng.uniform(0.5, 1.0, self.NUM_COILS)
        self.coils = np.stack([x, y, z, gain], axis=1).tolist()

    def shading(self, shape: tuple[int, int], z: float) -> NDArray[np.float32]:
        """Returns the shading of one slice, float32 (H, W)."""
        rows, columns = pixel_axes(shape)
        energy = np.zeros(shape, np.float32)
        for coil_x, coil_y, coil_z, gain in self.coils:
            across = (rows[:, None] - coil_y) ** 2 + (columns - coil_x) ** 2
            distance_squared = across + (z - coil_z) ** 2
            energy += (gain / (1 + distance_squared / self.REACH**2)) ** 2
        return np.sqrt(energy)
