"""Hammernik's MATLAB files: right numbers, and clear errors for every kind of bad file."""

import h5py
import numpy as np
import pytest
import scipy.io
from raw_data import (
    centered_kspace,
    complex_images,
    truncate,
    write_hdf5,
    write_mat5,
    write_mat73,
)

from kdmri_tf.errors import InputError
from tfds_builders.readers.hammernik import read_rawdata


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
