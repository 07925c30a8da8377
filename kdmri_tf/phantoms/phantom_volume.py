"""Synthetic MRI volumes of heart, brain and knee: seeded, no file, no network.

They stand in for real data where there is none: in tests, demonstrations and first trials. Every
seed is another patient. They are drawings with the look of MRI, not simulations of its physics.
"""

import numpy as np
from scipy import ndimage

from kdmri_tf.errors import InputError
from kdmri_tf.phantoms.brain import Brain
from kdmri_tf.phantoms.canvas import Canvas, pixel_axes
from kdmri_tf.phantoms.cardiac import Heart
from kdmri_tf.phantoms.knee import Knee

ANATOMIES = {"cardiac": Heart, "brain": Brain, "knee": Knee}
SMALLEST_SIDE = 32  # below that the organs are a few pixels wide

BLUR_PIXELS = 0.55  # partial volume and point spread, standard deviation
NOISE_RANGE = (0.010, 0.018)  # standard deviation of the complex noise, volume maximum = 1


def phantom_volume(
    anatomy: str, image_size: tuple[int, int], num_slices: int, seed: int
) -> np.ndarray:
    """Paint one synthetic patient.

    Heart: short axis, base to apex, balanced steady-state contrast. Brain: axial, thalamus to
    vertex, T1 contrast. Knee: sagittal, one side to the other, proton density contrast. The painted
    signal is multiplied by the shading of a coil array, blurred, scaled to a volume maximum of 1
    and given Rician noise (magnitude of complex Gaussian noise).

    Args:
        anatomy: "cardiac", "brain" or "knee".
        image_size: (H, W), each at least 32. Pixels are square; the longer side sees more of the
            body or of the air around it.
        num_slices: slices, evenly spaced through the anatomy; one slice lies in its middle.
        seed: the patient, an integer of at least 0.

    Returns:
        float32 (num_slices, H, W), finite, >= 0, the volume's maximum 1. The same arguments give
        the same bits.

    Raises:
        InputError: unknown anatomy, image smaller than 32 pixels, no slice, negative seed.
    """
    _check(anatomy, image_size, num_slices, seed)
    shape = tuple(image_size)
    rng = np.random.default_rng([list(ANATOMIES).index(anatomy), seed])
    patient = ANATOMIES[anatomy](rng)
    coils = _CoilArray(rng)
    heights = np.linspace(-1, 1, num_slices).tolist() if num_slices > 1 else [0.0]

    volume = np.empty((num_slices, *shape), np.float32)
    for image, z in zip(volume, heights, strict=True):
        canvas = Canvas.blank(shape, z, patient.pose)
        patient.paint(canvas)
        ndimage.gaussian_filter(canvas.image * coils.shading(shape, z), BLUR_PIXELS, output=image)

    volume /= volume.max()
    _add_rician_noise(volume, rng)
    volume /= volume.max()
    return volume


def _check(anatomy: str, image_size: tuple[int, int], num_slices: int, seed: int) -> None:
    if anatomy not in ANATOMIES:
        raise InputError(f"unknown anatomy {anatomy!r}; choose one of {', '.join(ANATOMIES)}")
    if len(image_size) != 2 or min(image_size) < SMALLEST_SIDE:
        raise InputError(
            f"image_size {tuple(image_size)} does not fit; "
            f"give (height, width), each at least {SMALLEST_SIDE}"
        )
    if num_slices < 1:
        raise InputError(f"num_slices is {num_slices}; a volume needs at least 1")
    if seed < 0:
        raise InputError(f"seed is {seed}; give an integer of at least 0")


class _CoilArray:
    """Receiver coils around the body; their root sum of squares shades the image smoothly."""

    NUM_COILS = 6
    RING_RADIUS = 1.5  # half fields of view from the centre
    REACH = 1.3  # distance at which a coil's sensitivity has halved

    def __init__(self, rng: np.random.Generator):
        angles = rng.uniform(0, 2 * np.pi) + np.arange(self.NUM_COILS) * 2 * np.pi / self.NUM_COILS
        x, y = self.RING_RADIUS * np.cos(angles), self.RING_RADIUS * np.sin(angles)
        z = rng.uniform(-0.5, 0.5, self.NUM_COILS)
        gain = rng.uniform(0.5, 1.0, self.NUM_COILS)
        self.coils = np.stack([x, y, z, gain], axis=1).tolist()

    def shading(self, shape: tuple[int, int], z: float) -> np.ndarray:
        """Return the shading of one slice, float32 (H, W)."""
        rows, columns = pixel_axes(shape)
        energy = np.zeros(shape, np.float32)
        for coil_x, coil_y, coil_z, gain in self.coils:
            across = (rows[:, None] - coil_y) ** 2 + (columns - coil_x) ** 2
            distance_squared = across + (z - coil_z) ** 2
            energy += (gain / (1 + distance_squared / self.REACH**2)) ** 2
        return np.sqrt(energy)


def _add_rician_noise(volume: np.ndarray, rng: np.random.Generator) -> None:
    deviation = np.float32(rng.uniform(*NOISE_RANGE))
    for image in volume:
        real, imaginary = deviation * rng.standard_normal((2, *image.shape), dtype=np.float32)
        np.hypot(image + real, imaginary, out=image)
