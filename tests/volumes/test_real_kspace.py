"""Raw k-space of real scans, where the checkout has some beside it."""

import h5py
import numpy as np
import pytest
from shared_files import SHARED

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.coil_compression import compress_coils
from kdmri_tf.volumes.crop_readout import crop_readout
from kdmri_tf.volumes.mask_file import read_mat_mask
from kdmri_tf.volumes.measured_mask import measured_mask
from kdmri_tf.volumes.open_volume import open_volume

RAW = SHARED / "data/kspace"

pytestmark = pytest.mark.skipif(not RAW.is_dir(), reason="needs the shared k-space")


def combined(kspace):
    return np.linalg.norm(np.fft.ifft2(kspace, norm="ortho"), axis=0)


def test_brain_of_8_coils():
    """Its root sum of squares is the reconstruction in the file."""
    path = RAW / "brain_8coil.h5"
    with h5py.File(path) as file:
        reference = file["reconstruction_rss"][0]
    with open_volume(path) as volume:
        assert volume.num_coils == 8
        kspace = volume.kspace(0)
        np.testing.assert_allclose(volume.magnitude(0), reference, atol=1e-6 * reference.max())
    np.testing.assert_allclose(combined(kspace), reference, atol=1e-6 * reference.max())
    compressed, share = compress_coils(kspace[np.newaxis], 4)
    assert share > 0.9
    # What the four leave out is orthogonal to them: each pixel loses, at most 0.034 of the maximum.
    lost = (reference - combined(compressed[0])) / reference.max()
    assert lost.min() > -1e-6
    assert lost.max() < 0.05
    assert np.sum(combined(compressed[0]) ** 2) == pytest.approx(share * np.sum(reference**2))


def test_the_same_undersampled_of_bart():
    with (
        open_volume(RAW / "brain_8coil.h5") as full,
        open_volume(RAW / "brain_8coil_undersampled.cfl") as volume,
    ):
        assert (volume.num_slices, volume.num_coils, volume.image_size) == (1, 8, (230, 180))
        mask = measured_mask(volume)
        assert 3 < 1 / mask.mean() < 6
        assert mask[:10, :10].all()
        found, expected = volume.kspace(0), full.kspace(0) * mask
        scale = np.vdot(expected, found) / np.vdot(expected, expected)
        np.testing.assert_allclose(found, scale * expected, atol=1e-4 * np.abs(found).max())
        with pytest.raises(InputError, match=r"slice 0 .* is undersampled"):
            volume.magnitude(0)


def test_heart_of_cmrxrecon():
    with open_volume(RAW / "cardiac_1coil_cmrxrecon.mat") as volume:
        assert (volume.num_slices, volume.num_coils, volume.image_size) == (1, 1, (512, 246))
        cropped = crop_readout(volume, 256)
        whole, half = combined(volume.kspace(0)), combined(cropped.kspace(0))
    np.testing.assert_allclose(half, whole[128:384], atol=1e-5 * whole.max())
    assert np.sum(half**2) > 0.99 * np.sum(whole**2)


def test_mask_of_cmrxrecon():
    mask = read_mat_mask(RAW / "cardiac_cmrxrecon_mask_uniform8.mat", (512, 246))
    lines = np.fft.fftshift(mask[0])
    assert lines.sum() == 45
    assert lines[123 - 8 : 123 + 8].all()
    np.testing.assert_array_equal(mask, np.broadcast_to(mask[0], mask.shape))


def test_brain_of_4_virtual_coils(tmp_path):
    """(coils, H, W) is taken for slices of one coil, as ever: coils need an axis of slices."""
    kspace = np.load(RAW / "brain_4coil_mprage.npy")
    np.save(tmp_path / "a.npy", kspace[np.newaxis])
    with open_volume(tmp_path / "a.npy") as volume:
        assert (volume.num_slices, volume.num_coils) == (1, 4)
        image = combined(volume.kspace(0))
    rows, columns = np.indices(image.shape)
    for place, length in ((rows, 256), (columns, 256)):  # the head is in the middle
        assert abs((place * image).sum() / image.sum() - length / 2) < 0.1 * length
