"""Synthetic MRI volumes of heart, brain and knee: seeded, without files or downloads.

They stand in for real data where there is none: in tests, demonstrations and first trials. Every
seed is another patient. They are drawings with the look of MRI, not simulations of its physics.
"""

import operator
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from kdmri_tf.errors import InputError
from kdmri_tf.phantoms.brain import Brain
from kdmri_tf.phantoms.canvas import Canvas
from kdmri_tf.phantoms.cardiac import Heart
from kdmri_tf.phantoms.coil_array import CoilArray
from kdmri_tf.phantoms.knee import Knee
from kdmri_tf.sizes import check_volume_size, image_size_of

ANATOMIES: dict[str, type[Heart | Brain | Knee]] = {"cardiac": Heart, "brain": Brain, "knee": Knee}
SMALLEST_SIDE = 32  # below that the organs are a few pixels wide

BLUR_PIXELS = 0.55  # partial volume and point spread, standard deviation
NOISE_RANGE = (0.010, 0.018)  # standard deviation of the complex noise, volume maximum = 1


def phantom_volume(
    anatomy: str, image_size: Sequence[int], num_slices: int, seed: int
) -> NDArray[np.float32]:
    """Paints one synthetic patient.

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
        float32 `(num_slices, H, W)`, finite, at least 0, the maximum of the volume 1. The same
        arguments give the same bits.

    Raises:
        InputError: unknown anatomy, image smaller than 32 pixels, no slice, more samples than a
            volume may have, negative seed, or a number that is not whole.

    Example:
        >>> from kdmri_tf import phantom_volume
        >>> volume = phantom_volume("knee", (64, 48), num_slices=2, seed=0)
        >>> volume.shape, volume.dtype.name, volume.max().item()
        ((2, 64, 48), 'float32', 1.0)
    """
    _check(anatomy, image_size, num_slices, seed)
    shape = image_size_of(image_size)
    rng = np.random.default_rng([list(ANATOMIES).index(anatomy), seed])
    patient = ANATOMIES[anatomy](rng)
    coils = CoilArray(rng)
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


def _check(anatomy: str, image_size: Sequence[int], num_slices: int, seed: int) -> None:
    if anatomy not in ANATOMIES:
        raise InputError(f"Unknown anatomy {anatomy!r}: choose one of {', '.join(ANATOMIES)}.")
    size = image_size_of(image_size)
    if min(size) < SMALLEST_SIDE:
        raise InputError(
            f"image_size must be (height, width), each at least {SMALLEST_SIDE}; got {size}."
        )
    for name, number, least in (("num_slices", num_slices, 1), ("seed", seed, 0)):
        try:
            operator.index(number)
        except TypeError:
            raise InputError(f"{name} must be a whole number; got {number!r}.") from None
        if number < least:
            raise InputError(f"{name} must be at least {least}; got {number}.")
    check_volume_size((num_slices, *size), f"A phantom of {num_slices} slices")


def _add_rician_noise(volume: NDArray[np.float32], rng: np.random.Generator) -> None:
    deviation = np.float32(rng.uniform(*NOISE_RANGE))
    for image in volume:
        real, imaginary = deviation * rng.standard_normal((2, *image.shape), dtype=np.float32)
        np.hypot(image + real, imaginary, out=image)
