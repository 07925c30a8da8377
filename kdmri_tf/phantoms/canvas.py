"""What the synthetic heart, brain and knee are painted with.

Lengths are in half fields of view: the shorter image side runs from -1 to 1, x to the right, y
down, and pixels are square. z runs from -1 (first slice) to 1 (last slice). A shape is a signed
distance field: negative inside, zero on the contour, positive outside; `np.minimum` unites two
shapes, `np.maximum` intersects them, and adding to the field shrinks the shape.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

EDGE_PIXELS = 1.5  # width of the soft step from outside to inside
SHORTEST_DISTANCE = np.float32(1e-6)  # keeps divisions finite at a shape's centre
Pair = tuple[float, float]  # (x, y)


class SmoothNoise:
    """A random field of zero mean and unit variance, smooth in all three directions.

    White noise on a periodic lattice (z, y, x), filtered by a Gaussian, interpolated linearly.

    Args:
        rng: generator that the lattice is drawn from.
        scale: standard deviation of the Gaussian in half fields of view, about the radius of a
            spot; a number, or one for each of (z, y, x).
    """

    LATTICE_POINTS = 48
    FILTER_WIDTH = 1.5  # in lattice points: enough for linear interpolation to stay smooth

    def __init__(self, rng: np.random.Generator, scale: float | tuple[float, ...]):
        white = rng.standard_normal((self.LATTICE_POINTS,) * 3, dtype=np.float32)
        smooth = ndimage.gaussian_filter(white, self.FILTER_WIDTH, mode="wrap")
        self.lattice = (smooth - smooth.mean()) / smooth.std()
        self.points_per_unit = self.FILTER_WIDTH / np.broadcast_to(scale, 3).astype(np.float32)

    def on_pixels(self, shape: tuple[int, int], z: float) -> np.ndarray:
        """Return the field, float32 (H, W), on the pixels of the slice at height z."""
        rows, columns = pixel_axes(shape)
        z_scale, row_scale, column_scale = self.points_per_unit
        plane = _interpolated(self.lattice, np.float32([z]) * z_scale)[0]
        plane = _interpolated(plane.T, columns * column_scale).T
        return _interpolated(plane, rows * row_scale)

    def at(self, z: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Return the field, float32, at any points: three arrays of one shape. The slow way."""
        points = np.stack([z, y, x]) * self.points_per_unit.reshape(3, *[1] * x.ndim)
        return ndimage.map_coordinates(self.lattice, points, order=1, mode="grid-wrap")


def _interpolated(lattice: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Interpolate linearly, and periodically, along the first axis."""
    below = np.floor(positions).astype(int)
    fraction = (positions - below).reshape(-1, *[1] * (lattice.ndim - 1)).astype(np.float32)
    before = lattice.take(below, axis=0, mode="wrap")
    after = lattice.take(below + 1, axis=0, mode="wrap")
    return before + fraction * (after - before)


class Pose:
    """How one patient lies in the scanner, and how this body departs from the textbook one.

    Args:
        rng: generator that the pose is drawn from.
        tilt: largest rotation in the image plane, in degrees.
        bend: size of the smooth displacement that makes every contour irregular.
    """

    SIZE_RANGE = (0.90, 1.06)
    LARGEST_SHIFT = 0.05
    BEND_SCALE = (0.8, 0.3, 0.3)

    def __init__(self, rng: np.random.Generator, tilt: float, bend: float):
        self.angle = np.deg2rad(rng.uniform(-tilt, tilt))
        self.size = rng.uniform(*self.SIZE_RANGE)
        self.shift = rng.uniform(-self.LARGEST_SHIFT, self.LARGEST_SHIFT, 2).tolist()
        self.bend = bend
        self.bend_noise = SmoothNoise(rng, self.BEND_SCALE), SmoothNoise(rng, self.BEND_SCALE)

    def body_coordinates(self, shape: tuple[int, int], z: float) -> tuple[np.ndarray, np.ndarray]:
        """Return where the pixels of the slice at height z lie in the textbook body, (x, y)."""
        rows, columns = pixel_axes(shape)
        x, y = np.meshgrid(columns - self.shift[0], rows - self.shift[1])
        x, y = rotated(x / self.size, y / self.size, self.angle)
        bend_x, bend_y = (self.bend * noise.on_pixels(shape, z) for noise in self.bend_noise)
        return x + bend_x, y + bend_y


@dataclass
class Canvas:
    """One slice in the making: body coordinates of its pixels and the signal painted so far."""

    x: np.ndarray
    y: np.ndarray
    z: float
    pixel: float
    image: np.ndarray

    @classmethod
    def blank(cls, shape: tuple[int, int], z: float, pose: Pose) -> "Canvas":
        """An empty slice of `shape` = (H, W) pixels at height `z` through a posed body."""
        x, y = pose.body_coordinates(shape, z)
        return cls(x, y, z, pixel=2 / min(shape), image=np.zeros(shape, np.float32))

    def noise(self, field: SmoothNoise) -> np.ndarray:
        """The values of a random field on this slice's pixels."""
        return field.on_pixels(self.image.shape, self.z)

    def mirrored(self) -> "Canvas":
        """The same slice with |x| for x: a shape drawn on the right appears on both sides."""
        return replace(self, x=np.abs(self.x))

    def paint(self, distance: np.ndarray, signal: np.ndarray | float) -> None:
        """Cover the inside of a shape with `signal`; pixels on its contour are mixed."""
        coverage = distance * np.float32(-1 / (EDGE_PIXELS * self.pixel))
        coverage += np.float32(0.5)
        np.clip(coverage, 0, 1, out=coverage)
        coverage *= signal - self.image
        self.image += coverage

    def ellipse(self, centre: Pair, radii: Pair, angle: float = 0.0) -> np.ndarray:
        """Signed distance (exact on the contour, to first order near it) to an ellipse.

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
    ) -> np.ndarray:
        """Signed distance to a round-ended band from point `start` to point `end`.

        Its half width goes linearly from `half_width` to `end_half_width` (default: the same). Half
        widths of zero or less give an empty shape.
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


def pixel_axes(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return y of the rows, float32 (H,), and x of the columns, float32 (W,)."""
    rows, columns = (
        (np.arange(side, dtype=np.float32) + 0.5 - side / 2) / (min(shape) / 2) for side in shape
    )
    return rows, columns


def length(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Length of the vector (x, y); `np.hypot` guards against overflow and is far slower."""
    return np.sqrt(x * x + y * y)


def rotated(x: np.ndarray, y: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of the same points along axes turned by `angle` (radians)."""
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return x * cosine + y * sine, y * cosine - x * sine


def blended(first: np.ndarray, second: np.ndarray, radius: float) -> np.ndarray:
    """Union of two shapes with its inner corners rounded off over `radius`."""
    overlap = np.maximum(radius - np.abs(first - second), 0)
    return np.minimum(first, second) - overlap**2 / (4 * radius)


def presence(z: float, centre: float, reach: float) -> float:
    """How much of a structure is seen at height z: 1 at `centre`, 0 at `reach` from it, then < 0.

    A parabola; it multiplies radii, so that structures end roundly.
    """
    return 1 - ((z - centre) / reach) ** 2


def patient_contrast(rng: np.random.Generator, signals: dict[str, float]) -> dict[str, float]:
    """Return the tissue signals with up to 8 % of variation between patients."""
    return {tissue: signal * rng.uniform(0.92, 1.08) for tissue, signal in signals.items()}
