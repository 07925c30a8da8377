"""Files of raw k-space as fastMRI has them: two slices of a brain, of one coil or several."""

import h5py
import numpy as np
from simulated_coils import smooth_maps

from kdmri_tf import gaussian_mask, phantom_volume
from kdmri_tf.inference.choose_acquisition import acquisition_of
from kdmri_tf.inference.reconstruct_slices import reconstruct_slices
from kdmri_tf.volumes.open_volume import open_volume

SIZE = (48, 40)
COILS = 4


def kspace_of(coils=COILS):
    """Centred k-space `(slices, coils, H, W)`, as fastMRI has it, of two slices with a phase."""
    images = 50 * phantom_volume("brain", SIZE, num_slices=2, seed=3)
    rows, columns = np.meshgrid(*(np.linspace(-1, 1, n) for n in SIZE), indexing="ij")
    images = images * np.exp(1j * (1 + rows - 2 * columns + rows * columns))
    maps = smooth_maps(coils, SIZE) if coils > 1 else np.ones((1, *SIZE))
    centred = np.fft.ifftshift(images[:, np.newaxis] * maps, axes=(-2, -1))
    return np.fft.fftshift(np.fft.fft2(centred, norm="ortho"), axes=(-2, -1)).astype(np.complex64)


def mask_of(axis=1, center_lines=12):
    return gaussian_mask(SIZE, 2, center_lines=center_lines, axis=axis)


def write_volume(path, kspace):
    with h5py.File(path, "w") as file:
        file["kspace"] = kspace
    return path


def parts_of(path, network, **wishes):
    """(reconstructed slices, acquisition)."""
    with open_volume(path) as volume:
        acquisition = acquisition_of(volume, network, **wishes)
        return list(reconstruct_slices(network, acquisition, volume.num_slices)), acquisition


def truth_of(kspace):
    """Root sum of squares `(slices, H, W)`."""
    images = np.fft.fftshift(np.fft.ifft2(kspace, norm="ortho"), axes=(-2, -1))
    return np.linalg.norm(images, axis=1)
