"""Whether the k-space of a file follows the FFT convention of its kind of file.

A forgotten FFT shift of k-space leaves the magnitude of the image as it is; a forgotten shift of
the image rolls it by half the field of view. So both k-space and image are looked at.
"""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError

# How many times more energy there is around the other convention's zero frequency.
FORGOTTEN_SHIFT = 10
# The least share of its energy that k-space has around its zero frequency (measured: 0.87 and more;
# complex images have 0.12 at most).
LOW_FREQUENCY_SHARE = 0.25
# How many times brighter the centre of a correct image gets at most when the image is rolled
# (measured: 1.9; rolled images: 5 at least).
ROLLED = 4


def check_convention(
    kspace: NDArray[np.complexfloating], centered: bool, path: Path | str, index: int
) -> None:
    """Refuses k-space whose low frequencies are in the wrong place; warns if it has none.

    Args:
        kspace: complex `(coils, H, W)` of a slice.
        centered: whether its zero frequency should be at `(H // 2, W // 2)`, else at `[0, 0]`.
        path: its file.
        index: its slice.

    Raises:
        InputError: the low frequencies are where a forgotten FFT shift of one or both axes would
            have put them.
    """
    energy = _energy(kspace, centered)
    if _is_elsewhere(energy):
        place, way = "at [0, 0]", "save kspace[..., 0] + 1j * kspace[..., 1], which may be centred"
        if centered:
            place = "in the centre"
            way = (
                "save np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(np.fft.ifft2(kspace)))), each "
                "over the last two axes"
            )
        raise InputError(
            f"{path} should hold k-space with the zero frequency {place}, but the low frequencies "
            f"of slice {index} are elsewhere. If it follows the other convention, {way}; if it "
            "holds images, save their magnitude."
        )
    low = _centre(energy, 10)
    if low.sum() < LOW_FREQUENCY_SHARE * energy.sum():
        warnings.warn(
            f"{path} is read as k-space, but slice {index} has only {low.sum() / energy.sum():.0%} "
            "of its energy at low frequencies, where k-space has most of it. If these are complex "
            "images, save their magnitude.",
            stacklevel=2,
        )


def forgot_shift(kspace: NDArray[np.complexfloating], centered: bool) -> bool:
    """Tells whether a forgotten FFT shift would explain where the low frequencies are.

    Args:
        kspace: complex `(coils, H, W)` of a slice.
        centered: whether its zero frequency should be at `(H // 2, W // 2)`, else at `[0, 0]`.
    """
    return _is_elsewhere(_energy(kspace, centered))


def _energy(kspace: NDArray[np.complexfloating], centered: bool) -> NDArray[np.floating]:
    """Returns the energy of every sample over all coils, `(H, W)`, what should be 0 centred."""
    magnitude = np.abs(kspace).astype(float)
    energy = ((magnitude / max(magnitude.max(), np.finfo(float).tiny)) ** 2).sum(axis=0)
    return energy if centered else np.fft.fftshift(energy)


def _is_elsewhere(energy: NDArray[np.floating]) -> bool:
    """Tells whether a shift of one or both axes would put the low frequencies in the centre."""
    moved = (np.fft.ifftshift(energy, axes) for axes in (0, 1, (0, 1)))
    elsewhere = max(_centre(other, 10).mean() for other in moved)
    return bool(elsewhere > FORGOTTEN_SHIFT * _centre(energy, 10).mean())


def warn_of_rolled_image(image: NDArray[np.floating], path: Path | str, index: int) -> None:
    """Warns of an image that looks rolled by half the field of view, its centre in the corners.

    Args:
        image: magnitude `(H, W)`.
        path: its file, which holds k-space.
        index: its slice.
    """
    image = image.astype(float)
    energy = np.square(image / max(image.max(), np.finfo(float).tiny))
    if _centre(np.fft.fftshift(energy), 4).mean() > ROLLED * _centre(energy, 4).mean():
        warnings.warn(
            f"The image of slice {index} of {path} seems to be cut into quarters that have swapped "
            "places: an FFT shift of the image is missing, or there is one too many. K-space with "
            "the zero frequency in the centre is fftshift(fft2(ifftshift(image))); with the zero "
            "frequency at [0, 0] it is fft2(image).",
            stacklevel=2,
        )


def _centre(energy: NDArray[np.floating], parts: int) -> NDArray[np.floating]:
    """Returns the middle of `(H, W)`: 1 / parts of both axes, and a sample or two more."""
    half = (n // (2 * parts) for n in energy.shape)
    around = (
        slice(max(0, n // 2 - h - 1), n // 2 + h + 2)
        for n, h in zip(energy.shape, half, strict=True)
    )
    return energy[tuple(around)]
