"""Readers of raw files: right numbers, and clear errors for every kind of bad file."""

import h5py
import nibabel
import numpy as np
import pytest
import scipy.io
from raw_data import (
    centered_kspace,
    complex_images,
    write_hdf5,
    write_mat5,
    write_mat73,
    write_nifti,
)

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.centered_kspace import images_of_kspace, root_sum_of_squares
from tfds_builders.readers.any_volume import read_kspace, read_volume
from tfds_builders.readers.hammernik import read_rawdata
from tfds_builders.slices import center_crop_or_pad, is_blank, normalize


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def truncate(path, keep=0.6):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    return path


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


class TestHammernik:
    @pytest.mark.parametrize("write", [write_mat5, write_mat73])
    def test_both_mat_formats(self, tmp_path, rng, write):
        coils = complex_images(rng, (4, 12, 6))
        path = tmp_path / "rawdata11.mat"
        write(path, np.moveaxis(centered_kspace(coils), 0, 2))
        result = read_rawdata(path)
        assert result.shape == (1, 12, 6)
        assert result.dtype == np.float32
        np.testing.assert_allclose(result[0], np.sqrt(np.sum(np.abs(coils) ** 2, 0)), rtol=1e-4)

    def test_single_coil(self, tmp_path, rng):
        image = complex_images(rng, (12, 6))
        scipy.io.savemat(tmp_path / "rawdata1.mat", {"rawdata": centered_kspace(image)})
        result = read_rawdata(tmp_path / "rawdata1.mat")
        np.testing.assert_allclose(result[0], np.abs(image), rtol=1e-4, atol=1e-5)

    def test_refuses_undersampled_kspace(self, tmp_path, rng):
        kspace = np.moveaxis(centered_kspace(complex_images(rng, (2, 12, 16))), 0, 2)
        kspace[:, 1::4] = kspace[:, 2::4] = 0
        write_mat5(tmp_path / "rawdata1.mat", kspace)
        with pytest.raises(InputError, match=r"rawdata1\.mat: slice 0 .* is undersampled, 5.% of"):
            read_rawdata(tmp_path / "rawdata1.mat")

    def test_refuses_a_file_without_rawdata(self, tmp_path):
        scipy.io.savemat(tmp_path / "v5.mat", {"other": 1})
        write_hdf5(tmp_path / "v73.mat", other=1)
        for name in ("v5.mat", "v73.mat"):
            with pytest.raises(InputError, match=f"{name} has no variable 'rawdata'"):
                read_rawdata(tmp_path / name)

    @pytest.mark.parametrize("values", [np.ones((4, 4, 2)), np.ones((4, 4, 2, 2), complex)])
    def test_refuses_real_values_and_other_ranks(self, tmp_path, values):
        scipy.io.savemat(tmp_path / "a.mat", {"rawdata": values})
        with pytest.raises(InputError, match=r"but complex \(height, width, coils\) is needed"):
            read_rawdata(tmp_path / "a.mat")

    def test_refuses_size_zero(self, tmp_path):
        path = write_hdf5(tmp_path / "a.mat", rawdata=np.ones((0, 4, 4), np.complex64))
        with pytest.raises(InputError, match="'rawdata' is empty"):
            read_rawdata(path)

    @pytest.mark.parametrize("shape", [(5000, 5000, 1), (2048, 2048, 300)])
    def test_refuses_what_claims_to_be_huge(self, tmp_path, shape):
        with h5py.File(tmp_path / "a.mat", "w") as file:
            dataset = file.create_dataset("rawdata", shape[::-1], "c8", chunks=(1, 512, 512))
            dataset[0, 0, 0] = 1
        message = (
            "each slice of 'rawdata', 5000x5000, has 25,000"
            if shape[0] == 5000
            else (r"'rawdata', of shape \(300, 2048, 2048\), has 1,258,291,200 samples")
        )
        with pytest.raises(InputError, match=message):
            read_rawdata(tmp_path / "a.mat")

    @pytest.mark.parametrize("do_compression", [False, True])
    def test_flipped_bits(self, tmp_path, rng, do_compression):
        """Compressed files have a checksum; the others end in an error at worst, not in a crash."""
        kspace = np.zeros((9, 7, 2), np.complex64) + rng.normal(size=(9, 7, 2))
        kspace[4, 3] += 100
        path = tmp_path / "a.mat"
        scipy.io.savemat(path, {"rawdata": kspace}, do_compression=do_compression)
        expected, whole = read_rawdata(path), path.read_bytes()
        header = range(124, 240)
        for position in [*header, *range(240, len(whole), 7)] if do_compression else header:
            damaged = bytearray(whole)
            damaged[position] ^= 1 << rng.integers(8)
            path.write_bytes(damaged)
            try:
                found = read_rawdata(path)
            except InputError:
                continue
            if do_compression:
                np.testing.assert_array_equal(found, expected)

    def test_other_variables_beside(self, tmp_path, rng):
        kspace = np.moveaxis(centered_kspace(complex_images(rng, (2, 12, 6))), 0, 2)
        others = {"a": np.array([{"b": 1}, "text"], object), "n": 3, "s": {"c": np.ones((2, 3))}}
        for do_compression in (False, True):
            scipy.io.savemat(
                tmp_path / "a.mat",
                {**others, "rawdata": kspace, "z": "end"},
                do_compression=do_compression,
            )
            assert read_rawdata(tmp_path / "a.mat").shape == (1, 12, 6)
        scipy.io.savemat(tmp_path / "a.mat", {"rawdata": others})
        with pytest.raises(InputError, match="'rawdata' holds something else than numbers"):
            read_rawdata(tmp_path / "a.mat")

    def test_refuses_a_large_array_before_it_is_read(self, tmp_path, monkeypatch):
        scipy.io.savemat(tmp_path / "a.mat", {"rawdata": np.zeros((2, 9000, 2000), np.uint8)})
        monkeypatch.setattr("scipy.io.loadmat", None)
        monkeypatch.setattr("kdmri_tf.sizes.LARGEST_IMAGE", 1000)
        with pytest.raises(InputError, match="each slice of 'rawdata', 2x9000, has 18,000 pixels"):
            read_rawdata(tmp_path / "a.mat")

    @pytest.mark.parametrize("kind", ["link", "external", "virtual", "group"])
    def test_refuses_values_of_other_files(self, tmp_path, kind):
        other = tmp_path / "other.h5"
        write_hdf5(other, rawdata=np.ones((2, 8, 8)))
        with h5py.File(tmp_path / "a.mat", "w") as file:
            if kind == "link":
                file["rawdata"] = h5py.ExternalLink(other, "rawdata")
            elif kind == "external":
                file.create_dataset("rawdata", (2, 8, 8), "f8", external=[(str(other), 0, 1024)])
            elif kind == "virtual":
                layout = h5py.VirtualLayout((2, 8, 8), "f8")
                layout[:] = h5py.VirtualSource(other, "rawdata", (2, 8, 8))
                file.create_virtual_dataset("rawdata", layout)
            else:
                file.create_group("rawdata")
        with pytest.raises(InputError, match=r"'rawdata' is a |values of 'rawdata' are in"):
            read_rawdata(tmp_path / "a.mat")

    @pytest.mark.parametrize("write", [write_mat5, write_mat73])
    def test_refuses_a_truncated_file(self, tmp_path, rng, write):
        write(tmp_path / "a.mat", complex_images(rng, (32, 32, 4)))
        with pytest.raises(InputError, match=r"a\.mat cannot be read"):
            read_rawdata(truncate(tmp_path / "a.mat"))


class TestSlices:
    @pytest.mark.parametrize("size", [(4, 4), (5, 5), (12, 13), (3, 20), (8, 9), (1, 1)])
    @pytest.mark.parametrize("shape", [(8, 9), (7, 7), (1, 6)])
    def test_centre_stays_the_centre(self, rng, shape, size):
        image = rng.random(shape) + 1
        result = center_crop_or_pad(image, size)
        assert result.shape == size
        for row in range(-25, 26):
            for column in range(-25, 26):
                y, x = shape[0] // 2 + row, shape[1] // 2 + column
                new_y, new_x = size[0] // 2 + row, size[1] // 2 + column
                if 0 <= new_y < size[0] and 0 <= new_x < size[1]:
                    inside = 0 <= y < shape[0] and 0 <= x < shape[1]
                    assert result[new_y, new_x] == (image[y, x] if inside else 0)

    def test_pad_then_crop_is_the_identity(self, rng):
        image = rng.random((7, 10))
        padded = center_crop_or_pad(image, (12, 15))
        np.testing.assert_array_equal(center_crop_or_pad(padded, (7, 10)), image)

    @pytest.mark.parametrize("scale", [1e-38, 1.0, 4095.0, 1e38])
    def test_normalized_maximum_is_one(self, rng, scale):
        image = (rng.random((4, 4)) * scale).astype(np.float32)
        result = normalize(image)
        assert result.dtype == np.float32
        assert result.max() == 1
        np.testing.assert_allclose(result, image.astype(float) / image.max(), rtol=1e-6)

    def test_blank(self):
        assert is_blank(np.zeros((3, 3)))
        assert not is_blank(np.eye(3))
