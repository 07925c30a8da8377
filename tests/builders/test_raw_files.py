"""Readers of raw files: right numbers, and clear errors for every kind of bad file."""

import nibabel
import numpy as np
import pytest
from raw_data import (
    centered_kspace,
    complex_images,
    truncate,
    write_hdf5,
    write_nifti,
)

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.centered_kspace import images_of_kspace, root_sum_of_squares
from tfds_builders.readers.any_volume import read_kspace, read_volume


class TestCenteredKspace:
    @pytest.mark.parametrize("shape", [(8, 6), (7, 5), (8, 5)])
    def test_gives_back_the_image_that_made_it(self, rng, shape):
        images = complex_images(rng, (3, *shape))
        restored = images_of_kspace(centered_kspace(images))
        np.testing.assert_allclose(restored, images, rtol=1e-4, atol=1e-5)

    def test_keeps_the_energy(self, rng):
        kspace = complex_images(rng, (9, 12))
        energy = np.sum(np.abs(images_of_kspace(kspace)) ** 2)
        assert energy == pytest.approx(np.sum(np.abs(kspace) ** 2), rel=1e-5)

    def test_its_centre_sample_is_a_constant_image(self):
        kspace = np.zeros((6, 9), np.complex64)
        kspace[3, 4] = 1
        np.testing.assert_allclose(images_of_kspace(kspace), 1 / np.sqrt(54), rtol=1e-5)

    def test_root_sum_of_squares(self, rng):
        coils = complex_images(rng, (4, 6, 8))
        expected = np.sqrt(np.sum(np.abs(coils) ** 2, axis=0))
        np.testing.assert_allclose(root_sum_of_squares(centered_kspace(coils)), expected, rtol=1e-4)

    def test_small_values_of_one_coil_do_not_vanish(self, rng):
        image = np.complex64(1e-30) * complex_images(rng, (1, 6, 8))
        combined = root_sum_of_squares(centered_kspace(image))
        np.testing.assert_allclose(combined, np.abs(image[0]), rtol=1e-4)


class TestNifti:
    @pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
    @pytest.mark.parametrize("shape", [(6, 5, 3), (6, 5, 3, 1), (5, 7, 1)])
    def test_height_is_y_and_width_is_x(self, tmp_path, rng, name, shape):
        volume = rng.integers(0, 4096, shape).astype(np.int16)
        images = read_volume(write_nifti(tmp_path / name, volume))
        assert images.dtype == np.float32
        np.testing.assert_array_equal(images, volume.reshape(shape[:3]).transpose(2, 1, 0))

    def test_applies_the_scaling_of_the_header(self, tmp_path, rng):
        volume = rng.random((4, 5, 2)) * 1e-3
        image = nibabel.Nifti1Image(volume, np.eye(4))
        image.set_data_dtype(np.int16)  # nibabel stores integers and a slope
        nibabel.save(image, tmp_path / "a.nii")
        np.testing.assert_allclose(read_volume(tmp_path / "a.nii"), volume.T, atol=1e-7)

    def test_lowest_integer_has_a_positive_magnitude(self, tmp_path):
        volume = np.full((4, 4, 1), -32768, np.int16)
        with pytest.warns(UserWarning, match="negative values"):
            assert read_volume(write_nifti(tmp_path / "a.nii", volume)).max() == 32768

    @pytest.mark.parametrize("shape", [(6, 5), (6, 5, 3, 2), (6, 5, 3, 1, 2)])
    def test_refuses_other_ranks(self, tmp_path, shape):
        path = write_nifti(tmp_path / "a.nii.gz", np.ones(shape, np.float32))
        with pytest.raises(InputError, match=r"a\.nii\.gz has shape .*3-D image"):
            read_volume(path)

    @pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
    def test_refuses_a_truncated_file(self, tmp_path, rng, name):
        path = write_nifti(tmp_path / name, rng.normal(size=(32, 32, 8)).astype(np.float32))
        with pytest.raises(InputError, match=rf"{name} cannot be read .*skip_unreadable"):
            read_volume(truncate(path))

    @pytest.mark.parametrize("content", [b"", b"not an image at all" * 40])
    def test_refuses_what_is_no_nifti(self, tmp_path, content):
        (tmp_path / "a.nii.gz").write_bytes(content)
        with pytest.raises(InputError, match="cannot be read"):
            read_volume(tmp_path / "a.nii.gz")

    def test_refuses_a_missing_file(self, tmp_path):
        with pytest.raises(InputError, match=r"no file .*gone\.nii"):
            read_volume(tmp_path / "gone.nii")

    def test_refuses_colours(self, tmp_path):
        colours = np.zeros((4, 4, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")])
        with pytest.raises(InputError, match="instead of numbers"):
            read_volume(write_nifti(tmp_path / "a.nii", colours))

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_refuses_nan_and_infinity(self, tmp_path, bad):
        volume = np.ones((4, 4, 2), np.float32)
        volume[1, 2, 1] = bad
        with pytest.raises(
            InputError, match=r"a\.nii contains NaN or infinity in slice 1 .*skip_unreadable"
        ):
            read_volume(write_nifti(tmp_path / "a.nii", volume))


class TestFastMRI:
    def test_single_coil(self, tmp_path, rng):
        images = complex_images(rng, (3, 10, 6))
        path = write_hdf5(tmp_path / "a.h5", kspace=centered_kspace(images))
        result = read_kspace(path)
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, np.abs(images), rtol=1e-4, atol=1e-5)

    def test_several_coils(self, tmp_path, rng):
        coils = complex_images(rng, (3, 4, 10, 6))
        path = write_hdf5(tmp_path / "a.h5", kspace=centered_kspace(coils))
        expected = np.sqrt(np.sum(np.abs(coils) ** 2, axis=1))
        np.testing.assert_allclose(read_kspace(path), expected, rtol=1e-4)

    def test_refuses_a_file_without_kspace(self, tmp_path):
        path = write_hdf5(tmp_path / "a.h5", reconstruction_esc=np.ones((2, 4, 4)))
        message = r"a\.h5 holds images, but k-space is needed\. .*skip_unreadable"
        with pytest.raises(InputError, match=message):
            read_kspace(path)

    @pytest.mark.parametrize(
        ("kspace", "message"),
        [
            (np.ones((2, 4, 4), np.float32), "'kspace' is float32, but must be complex"),
            (np.ones(4, np.complex64), r"'kspace' has shape \(4,\), but must be \(\[slices"),
        ],
    )
    def test_refuses_real_values_and_other_ranks(self, tmp_path, kspace, message):
        with pytest.raises(InputError, match=message):
            read_kspace(write_hdf5(tmp_path / "a.h5", kspace=kspace))

    def test_zeros_at_the_edges_are_no_gaps(self, tmp_path, rng):
        kspace = centered_kspace(complex_images(rng, (2, 16, 20)))
        kspace[:, :, [*range(6), *range(15, 20)]] = 0  # zero-padding and partial Fourier
        result = read_kspace(write_hdf5(tmp_path / "a.h5", kspace=kspace))
        np.testing.assert_allclose(result, np.abs(images_of_kspace(kspace)), rtol=1e-5)

    def test_refuses_no_slices(self, tmp_path):
        path = write_hdf5(tmp_path / "a.h5", kspace=np.ones((0, 4, 4), np.complex64))
        with pytest.raises(InputError, match="'kspace' is empty"):
            read_kspace(path)

    def test_refuses_nan(self, tmp_path):
        kspace = np.full((1, 4, 4), np.nan, np.complex64)
        with pytest.raises(InputError, match="contains NaN"):
            read_kspace(write_hdf5(tmp_path / "a.h5", kspace=kspace))

    @pytest.mark.parametrize("keep", [0.0, 0.01, 0.6])
    def test_refuses_a_truncated_file(self, tmp_path, rng, keep):
        path = write_hdf5(tmp_path / "a.h5", kspace=complex_images(rng, (4, 32, 32)))
        with pytest.raises(InputError, match=r"a\.h5 cannot be read"):
            read_kspace(truncate(path, keep))
