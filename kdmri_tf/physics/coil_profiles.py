"""The sensitivity of receiver coils: loops of wire around the body, by Biot and Savart."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from scipy.interpolate import CubicSpline

from kdmri_tf.physics.fourier import real_to_complex
from kdmri_tf.physics.random_phase import centred_axes

# Positions are those of `centred_axes`: -1 to 1 along the shorter side; z runs across the slice.
SEGMENTS = 16  # of a loop
SHORTEST_DISTANCE = 0.25  # keeps the field finite where the field of view reaches a wire
DISTANCES = (1.1, 1.5)  # of all loops from the centre; the longer side has them farther out
LARGEST_SHIFT = 0.4  # of a loop across the slice
TILT = 0.2  # standard deviation of its normal, which points to the centre
RADII = (0.8, 1.2)  # times half the distance to the next loop
LARGEST_RADIUS = 0.8
GAINS = (0.7, 1.3)
POINTS = 24  # per side at which smooth profiles are computed, to be interpolated by cubic splines


def random_coil_profiles(coils: int, image_size: Sequence[int], seed: tf.Tensor) -> tf.Tensor:
    """Draws an array of loops around the field of view and computes what each of them receives.

    ::

        C(r) = B_x - i B_y,    B(r) = sum over segments of dl x (r - r') / |r - r'|^3

    The loops stand on a ring, or an ellipse about longer images, turned at random; each is shifted,
    tilted, sized and amplified at random.

    Args:
        coils: number of loops.
        image_size: (H, W).
        seed: int32 `(2,)`; the same gives the same.

    Returns:
        complex64 `(coils, H, W)`; the mean over pixels of the sum of squares is 1.

    Source: Roemer et al., The NMR phased array (Magn Reson Med 1990), for fields by reciprocity.

    Example:
        >>> profiles = random_coil_profiles(4, (48, 40), seed=(0, 1))
        >>> energy = tf.reduce_sum(abs(profiles) ** 2, axis=0)
        >>> tuple(profiles.shape), round(float(tf.reduce_mean(energy)), 4)
        ((4, 48, 40), 1.0)
    """
    half_sides = np.asarray(image_size) / min(image_size)
    coarse = [
        np.linspace(-side, side, round(POINTS * side), dtype=np.float32) for side in half_sides
    ]
    field = _field(*_loops(coils, half_sides, seed), *coarse)
    rows, columns = (
        CubicSpline(places, np.eye(len(places)))(axis).astype(np.float32)
        for places, axis in zip(coarse, centred_axes(image_size), strict=True)
    )
    # Not by `@`: TensorFlow 2.21 on a CPU ends in a segmentation fault where it broadcasts.
    field = tf.einsum("pcrs,ws->pcrw", field, columns)
    across, down = tf.unstack(tf.einsum("hr,pcrw->pchw", rows, field))
    energy = tf.reduce_mean(tf.reduce_sum(across**2 + down**2, axis=0))
    return tf.complex(across, -down) / real_to_complex(tf.sqrt(energy))


def root_sum_of_squares(profiles: tf.Tensor) -> tf.Tensor:
    """Returns sqrt(sum over coils of |C|^2): complex `(coils, H, W)` to float32 `(H, W)`."""
    return tf.sqrt(tf.reduce_sum(tf.math.real(profiles * tf.math.conj(profiles)), axis=0))


def _field(
    wire: tf.Tensor, step: tf.Tensor, gain: tf.Tensor, rows: np.ndarray, columns: np.ndarray
) -> tf.Tensor:
    """Computes B_x and B_y of the loops in the plane z = 0: `(2, coils, rows, columns)`."""
    from_x, from_y, from_z = tf.unstack(wire[:, :, np.newaxis, np.newaxis], axis=-1)
    step_x, step_y, step_z = tf.unstack(step[:, :, np.newaxis, np.newaxis], axis=-1)
    x, y, z = columns - from_x, rows[:, np.newaxis] - from_y, -from_z
    nearness = (x**2 + y**2 + z**2 + SHORTEST_DISTANCE**2) ** -1.5
    parts = [(step_y * z - step_z * y) * nearness, (step_z * x - step_x * z) * nearness]
    return gain[:, np.newaxis, np.newaxis] * tf.reduce_sum(tf.stack(parts), axis=2)


def _loops(
    coils: int, half_sides: np.ndarray, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Draws the loops.

    Returns:
        Where their segments are and how they run, `(coils, SEGMENTS, 3)` in (x, y, z), and their
        gains, `(coils,)`.
    """
    of_ring, of_loops, of_normals = tf.unstack(tf.random.split(seed, 3))
    turn, spread = tf.unstack(tf.random.stateless_uniform((2,), of_ring))
    jitter, shift, size, gain = tf.unstack(tf.random.stateless_uniform((4, coils), of_loops))
    distance, step = _between(DISTANCES, spread), 2 * np.pi / coils
    angle = step * (np.arange(coils, dtype=np.float32) + 0.4 * (jitter - 0.5)) + 2 * np.pi * turn
    outwards = tf.stack([tf.cos(angle), tf.sin(angle), tf.zeros(coils)], axis=-1)
    height, width = half_sides
    centre = outwards * distance * np.array([width, height, 0], np.float32)
    up = np.array([0, 0, 1], np.float32)
    centre += _between((-LARGEST_SHIFT, LARGEST_SHIFT), shift)[:, np.newaxis] * up
    radius = _between(RADII, size) * distance * np.sin(min(step, np.pi) / 2).astype(np.float32)
    radius = tf.minimum(radius, LARGEST_RADIUS)[:, np.newaxis, np.newaxis]
    normal = TILT * tf.random.stateless_normal((coils, 3), of_normals) - outwards
    normal = tf.math.l2_normalize(normal, -1)
    across = tf.math.l2_normalize(tf.linalg.cross(tf.zeros_like(normal) + up, normal), -1)
    along = tf.linalg.cross(normal, across)[:, np.newaxis]
    across = across[:, np.newaxis]
    around = 2 * np.pi * np.arange(SEGMENTS, dtype=np.float32)[:, np.newaxis] / SEGMENTS
    wire = centre[:, np.newaxis] + radius * (np.cos(around) * across + np.sin(around) * along)
    steps = radius * (np.cos(around) * along - np.sin(around) * across) * (2 * np.pi / SEGMENTS)
    return wire, steps, _between(GAINS, gain)


def _between(bounds: tuple[float, float], share: tf.Tensor) -> tf.Tensor:
    return bounds[0] + (bounds[1] - bounds[0]) * share
