"""Phantoms seen by coils whose sensitivities are known, and their k-space."""

import numpy as np

from kdmri_tf import phantom_volume

SIZE = (45, 36)


def to_channels(values):
    return np.stack([values.real, values.imag], axis=-1).astype(np.float32)


def to_complex(channels):
    return channels[..., 0] + 1j * channels[..., 1]


def smooth_maps(coils, size=SIZE):
    """Gains and phases that grow towards coils on a ring; squares sum to 1."""
    rows, columns = np.meshgrid(*(np.linspace(-1, 1, n) for n in size), indexing="ij")
    angles = 2 * np.pi * np.arange(coils)[:, np.newaxis, np.newaxis] / coils
    along = np.cos(angles) * rows + np.sin(angles) * columns
    maps = np.exp((0.6 + 0.7j) * along)
    return maps / np.sqrt((np.abs(maps) ** 2).sum(axis=0))


def coil_images(coils, noise=0.0):
    """Complex images of two slices (slices, coils, H, W)."""
    image = phantom_volume("brain", SIZE, num_slices=2, seed=5)
    images = image[:, np.newaxis] * smooth_maps(coils)
    rng = np.random.default_rng(0)
    return images + noise * (rng.normal(size=images.shape) + 1j * rng.normal(size=images.shape))


def measure(images, mask):
    """Undersampled k-space, unshifted and ortho, with a last axis (real, imaginary)."""
    return to_channels(np.fft.fft2(images, norm="ortho") * mask)
