"""Whether the k-space of a file follows the FFT convention that its kind of file has.

A forgotten FFT shift of k-space leaves the magnitude of an image as it is and rolls the image where
its own centre is meant to be elsewhere: both are looked at.
"""

import warnings

import numpy as np

from kdmri_tf.errors import InputError

# How many times more energy about where the zero frequency would be by the other convention.
FORGOTTEN_SHIFT = 10
# Of all energy, what k-space has at least about its zero frequency (measured: 0.87 and more) and
# complex images have not (0.12 at most).
LOW_FREQUENCY_SHARE = 0.25
# How many times brighter a correct image gets in its centre when it is rolled, at most (measured:
# 1.9; rolled images: 5 at least).
ROLLED = 4


def check_convention(kspace, centered, path, index):
    """Refuses k-space whose low frequencies are elsewhere, and warns where there are none.

    Args:
        kspace: complex `(coils, H, W)` of a slice.
        centered: whether its zero frequency should be at `(H // 2, W // 2)`, else at `[0, 0]`.
        path: of its file.
        index: of the slice.

    Raises:
        InputError: the low frequencies are where a forgotten FFT shift of one or both axes would
            have put them.
    """
    magnitude = np.abs(kspace).astype(float)
    energy = ((magnitude / max(magnitude.max(), np.finfo(float).tiny)) ** 2).sum(axis=0)
    shifted = energy if centered else np.fft.fftshift(energy)
    moved = (np.fft.ifftshift(shifted, axes) for axes in (0, 1, (0, 1)))
    low = _centre(shifted, 10)
    if max(_centre(other, 10).mean() for other in moved) > FORGOTTEN_SHIFT * low.mean():
        place, way = "[0, 0]", "save kspace[..., 0] + 1j * kspace[..., 1], which is for the centre"
        if centered:
            place = "the centre"
            way = (
                "save np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(np.fft.ifft2(kspace)))), each "
                "over the last two axes"
            )
        raise InputError(
            f"{path} should hold k-space with the zero frequency in {place}, but the low "
            f"frequencies of slice {index} are elsewhere: if they follow the other convention, "
            f"{way}; of images give the magnitude."
        )
    if low.sum() < LOW_FREQUENCY_SHARE * energy.sum():
        warnings.warn(
            f"{path} is taken for k-space, but slice {index} has {low.sum() / energy.sum():.0%} of "
            "its energy at low frequencies, where k-space has most: of complex images save the "
            "magnitude.",
            stacklevel=2,
        )


def warn_of_rolled_image(image, path, index):
    """Warns of an image that looks rolled by half the field of view, its centre in the corners.

    Args:
        image: magnitude `(H, W)`.
        path: of its file, which holds k-space.
        index: of the slice.
    """
    image = image.astype(float)
    energy = np.square(image / max(image.max(), np.finfo(float).tiny))
    if _centre(np.fft.fftshift(energy), 4).mean() > ROLLED * _centre(energy, 4).mean():
        warnings.warn(
            f"The image of slice {index} of {path} seems to be cut into quarters that have changed "
            "places: an FFT shift of the image is missing or one too many. K-space with its zero "
            "frequency in the centre is fftshift(fft2(ifftshift(image))), with it at [0, 0] "
            "fft2(image).",
            stacklevel=2,
        )


def _centre(energy, parts):
    """The middle of `(H, W)`: of both axes one part in so many, and a sample or two more."""
    half = (n // (2 * parts) for n in energy.shape)
    around = (
        slice(max(0, n // 2 - h - 1), n // 2 + h + 2)
        for n, h in zip(energy.shape, half, strict=True)
    )
    return energy[tuple(around)]
