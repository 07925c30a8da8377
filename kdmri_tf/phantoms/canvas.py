"""The canvas on which the synthetic heart, brain and knee are painted.

Lengths are in half fields of view: the shorter image side runs from -1 to 1, x to the right, y
down, and pixels are square. z runs from -1 (first slice) to 1 (last slice). A shape is a signed
distance field: negative inside, zero on the contour, positive outside; `np.minimum` unites two
shapes, `np.maximum` intersects them, and adding to the field shrinks the shape.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.phantoms.geometry import length, rotated
from kdmri_tf.phantoms.patient import Pose
from kdmri_tf.phantoms.smooth_noise import SmoothNoise

EDGE_PIXELS = 1.5  # width of the soft step from outside to inside
SHORTEST_DISTANCE = np.float32(1e-6)  # keeps divisions finite at a shape's centre
Pair = Sequence[float]  # (x, y)


@dataclass
class Canvas:
    """Holds a slice in the making: body coordinates of its pixels and the signal painted so far."""

    x: NDArray
    y: NDArray
    z: float
    pixel: float
    image: NDArray

    @classmethod
    def blank(cls, shape: tuple[int, int], z: float, pose: Pose) -> Self:
        """Returns an empty slice of `shape` = (H, W) pixels at height `z` through a posed body."""
        x, y = pose.body_coordinates(shape, z)
        return cls(x, y, z, pixel=2 / min(shape), image=np.zeros(shape, np.float32))

    def noise(self, field: SmoothNoise) -> NDArray:
        """Returns the values of a random field on this slice's pixels."""
        return field.on_pixels(self.image.shape, self.z)

    def mirrored(self) -> Self:
        """Returns the slice with |x| for x: a shape drawn on the right appears on both sides."""
        return replace(self, x=np.abs(self.x))

    def paint(self, distance: NDArray, signal: NDArray | float) -> None:
        """Covers the inside of a shape with `signal`; pixels on its contour are mixed."""
        coverage = distance * np.float32(-1 / (EDGE_PIXELS * self.pixel))
        coverage += np.float32(0.5)
        np.clip(coverage, 0, 1, out=coverage)
        coverage *= signal - self.image
        self.image += coverage

    def ellipse(self, centre: Pair, radii: Pair, angle: float = 0.0) -> NDArray:
        """Returns the signed distance (exact on the contour, to first order near it) to an ellipse.

        `centre` and `radii` are (x, y) pairs; `angle` turns it, in degrees, clockwise on screen.
        A radius of zero or less gives an empty shape.
        """
        if min(radii) <= 0:
            return np.full_like(self.x, np.inf)
        from_x, from_y = self.x - centre[0], self.y - centre[1]
        if angle:
            from_x, from_y = rotated(from_x, from_y, np.deg2rad(angle))
        across, down = 1 / np.float32(radii[0]) ** 2, 1 / np.float32(radii[1]) ** 2
        from_x *= from_x
        from_y *= from_y
        level = np.sqrt(from_x * across + from_y * down)
        slope = np.sqrt(from_x * across**2 + from_y * down**2)
        return level * (level - 1) / (slope + SHORTEST_DISTANCE)

    def band(
        self, start: Pair, end: Pair, half_width: float, end_half_width: float | None = None
    ) -> NDArray:
        """Returns the signed distance to a round-ended band from point `start` to point `end`.

        Its half width changes linearly from `half_width` to `end_half_width` (default: the same).
        Half widths of zero or less give an empty shape.
        """
        if end_half_width is None:
            end_half_width = half_width
        if max(half_width, end_half_width) <= 0:
            return np.full_like(self.x, np.inf)
        along_x, along_y = end[0] - start[0], end[1] - start[1]
        from_x, from_y = self.x - start[0], self.y - start[1]
        fraction = (from_x * along_x + from_y * along_y) / (along_x**2 + along_y**2)
        fraction = np.clip(fraction, 0, 1)
        distance = length(from_x - fraction * along_x, from_y - fraction * along_y)
        return distance - (half_width + fraction * (end_half_width - half_width))
