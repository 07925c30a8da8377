"""K-space of many coils: one convention, masks, cropped readouts, and clear refusals."""

import h5py
import numpy as np
import pytest
import scipy.io
from raw_formats import write_mat73
from stand_in import centered_kspace

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.centered_kspace import unshifted_kspace
from kdmri_tf.volumes.crop_readout import crop_readout
from kdmri_tf.volumes.mask_file import read_mat_mask
from kdmri_tf.volumes.measured_mask import measured_mask
from kdmri_tf.volumes.open_volume import open_volume

SIZE = (16, 13)


@pytest.fixture
def save(tmp_path):
    """Writes datasets of an HDF5 file."""

    def write(**datasets):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            for name, value in datasets.items():
                file[name] = value
        return tmp_path / "a.h5"

    return write


class TestConvention:
    @pytest.mark.parametrize("size", [(8, 6), (7, 5), (8, 5), (1, 4)])
    def test_unshifted(self, size):
        image = np.random.default_rng(0).normal(size=(3, *size))
        found = unshifted_kspace(centered_kspace(image))
        np.testing.assert_allclose(found, np.fft.fft2(image, norm="ortho"), atol=1e-12)

    def test_zeros_stay_zeros(self, images):
        kspace = centered_kspace(images)
        kspace[..., ::2] = 0
        found = unshifted_kspace(kspace)
        np.testing.assert_array_equal(np.fft.fftshift(found == 0, axes=(-2, -1)), kspace == 0)

    def test_of_files(self, tmp_path, images, save):
        """Centred and unshifted, of many coils and of one."""
        expected = np.fft.fft2(images, norm="ortho")
        np.save(tmp_path / "many.npy", centered_kspace(images))
        np.save(tmp_path / "one.npy", centered_kspace(images[:, 0]))
        pairs = np.stack([expected[:, 0].real, expected[:, 0].imag], axis=-1)
        np.save(tmp_path / "pairs.npy", pairs)
        np.save(tmp_path / "coils.npy", np.stack([expected.real, expected.imag], axis=-1))
        for path, coils in [
            (save(kspace=centered_kspace(images)), 4),
            (tmp_path / "many.npy", 4),
            (tmp_path / "one.npy", 1),
            (tmp_path / "pairs.npy", 1),
            (tmp_path / "coils.npy", 4),
        ]:
            with open_volume(path) as volume:
                assert volume.num_coils == coils
                kspace = volume.kspace(1)
                assert kspace.dtype == np.complex64
                np.testing.assert_allclose(kspace, expected[1, :coils], atol=1e-5)


class TestRefused:
    def refused(self, path, message, index=0):
        with pytest.raises(InputError, match=message), open_volume(path) as volume:
            volume.kspace(index)

    def test_a_coil_with_nan(self, save, images):
        kspace = centered_kspace(images)
        kspace[2, 3, 5, 5] = np.nan
        self.refused(save(kspace=kspace), r"a\.h5 contains NaN or infinity in slice 2 of coil 3", 2)

    def test_an_empty_coil(self, save, images):
        kspace = centered_kspace(images)
        kspace[0, 2] = 0
        self.refused(save(kspace=kspace), r"a\.h5: coil 2 of slice 0 is empty, all its samples are")

    def test_a_slice_without_signal_is_none(self, save, images):
        kspace = centered_kspace(images)
        kspace[0] = 0
        with open_volume(save(kspace=kspace)) as volume:
            assert not volume.kspace(0).any()

    @pytest.mark.parametrize("order", [(0, 2, 3, 1), (2, 3, 1, 0)])
    def test_axes_in_another_order(self, save, images, order):
        message = r"a\.h5 would have 1[36] coils of .* pixels: its axes must be in another order"
        self.refused(save(kspace=images.transpose(order)), message)

    def test_values_that_are_too_large(self, save, images):
        kspace = centered_kspace(images.astype(np.complex128)) * 1e38
        self.refused(save(kspace=kspace), "contains NaN or infinity in slice 0 of coil")


class TestMasks:
    @pytest.fixture
    def lines(self):
        lines = np.zeros(SIZE[1], bool)
        lines[[1, 4, 5, 6, 7, 8, 11]] = True
        return lines

    def test_of_several_coils(self, save, images, lines):
        with open_volume(save(kspace=centered_kspace(images) * lines)) as volume:
            mask = measured_mask(volume)
        assert mask.dtype == np.float32
        np.testing.assert_array_equal(mask, np.fft.ifftshift(np.broadcast_to(lines, SIZE)))

    def test_of_the_file(self, save, images, lines):
        """As fastMRI's test files have it, where lines that are padded count as measured."""
        kspace = centered_kspace(images) * lines
        kspace[:, :, 3, 4] = 0  # by chance
        stated = lines.copy()
        stated[[0, 12]] = True
        for mask in (stated, stated.astype("u1"), stated[np.newaxis, :].astype("f4")):
            with open_volume(save(kspace=kspace, mask=mask)) as volume:
                found = measured_mask(volume)
            np.testing.assert_array_equal(found, np.fft.ifftshift(np.broadcast_to(lines, SIZE)))

    def test_contradicts_the_samples(self, save, images, lines):
        path = save(kspace=centered_kspace(images), mask=lines)
        message = r"has 96 samples other than 0 where its 'mask' says that nothing was measured"
        with open_volume(path) as volume, pytest.raises(InputError, match=message):
            measured_mask(volume)

    @pytest.mark.parametrize("mask", [np.ones(12), np.ones(SIZE), np.array(["a"] * 13, "S1")])
    def test_is_no_mask(self, save, images, mask):
        path = save(kspace=centered_kspace(images), mask=mask)
        with pytest.raises(InputError, match=r"'mask' is .* must say for each of the 13 columns"):
            open_volume(path).__enter__()

    @pytest.mark.parametrize("version", ["v5", "v7.3"])
    def test_of_matlab(self, tmp_path, lines, version):
        path = tmp_path / "a_mask.mat"
        mask = np.broadcast_to(lines, SIZE).astype(float)

        def write(name, array):
            if version == "v5":
                scipy.io.savemat(path, {name: array})
            else:
                write_mat73(path, **{name: array})

        write("mask", mask)
        np.testing.assert_array_equal(read_mat_mask(path, SIZE), np.fft.ifftshift(mask))
        np.testing.assert_array_equal(read_mat_mask(path, (4, 13)), np.fft.ifftshift(mask)[:4])
        with pytest.raises(InputError, match=r"mask .* is 16x13, but the k-space is 13x16"):
            read_mat_mask(path, SIZE[::-1])
        write("mask04", mask / 2)
        with pytest.raises(InputError, match="holds other values than 0 and 1"):
            read_mat_mask(path, SIZE)
        write("lines", mask)
        with pytest.raises(InputError, match=r"begins with 'mask' \(it has: lines\)"):
            read_mat_mask(path, SIZE)


class TestReadout:
    def padded(self, images):
        """Twice the field of view along H, with nothing in it."""
        pad = SIZE[0] // 2
        return np.pad(images, [(0, 0), (0, 0), (pad, pad), (0, 0)])

    def test_is_cropped(self, save, images):
        with open_volume(save(kspace=centered_kspace(self.padded(images)))) as volume:
            assert crop_readout(volume) is volume
            assert crop_readout(volume, 32) is volume
            cropped = crop_readout(volume, 16)
            assert cropped.image_size == SIZE
            assert cropped.num_coils == 4
            expected = np.fft.fft2(images[1], norm="ortho")
            np.testing.assert_allclose(cropped.kspace(1), expected, atol=1e-4)
            np.testing.assert_allclose(
                cropped.magnitude(1), np.linalg.norm(images[1], axis=0), rtol=1e-4
            )
            with pytest.raises(InputError, match="cannot be cropped to 0 rows"):
                crop_readout(volume, 0)

    def test_keeps_what_is_measured(self, save, images):
        lines = np.arange(SIZE[1]) % 3 == 0
        kspace = centered_kspace(self.padded(images)) * lines
        with open_volume(save(kspace=kspace, mask=lines)) as volume:
            mask = measured_mask(volume)
            found = measured_mask(crop_readout(volume, 16))
        np.testing.assert_array_equal(found, mask[:16])

    def test_of_the_header(self, save, images):
        header = (
            "<h><encoding><encodedSpace><matrixSize><x>32</x><y>13</y><z>1</z></matrixSize>"
            "<fieldOfView_mm><x>64</x><y>26</y><z>5</z></fieldOfView_mm></encodedSpace>"
            "<reconSpace><matrixSize><x>{0}</x><y>13</y><z>1</z></matrixSize>"
            "<fieldOfView_mm><x>{1}</x><y>26</y><z>5</z></fieldOfView_mm></reconSpace>"
            "</encoding></h>"
        )
        kspace = centered_kspace(self.padded(images))
        for numbers, rows in [((16, 32), 16), ((32, 32), 16), ((16, 64), None), (("", ""), None)]:
            path = save(kspace=kspace, ismrmrd_header=header.format(*numbers))
            with open_volume(path) as volume:
                assert volume.readout_rows == rows
                assert crop_readout(volume).image_size == (rows or 32, 13)

    def test_gaps_along_it(self, save, images):
        kspace = centered_kspace(self.padded(images))
        kspace[..., ::3, :] = 0
        with open_volume(save(kspace=kspace)) as volume:
            cropped = crop_readout(volume, 16)
            message = r"3\d% of the samples along the lines of slice 0 are missing, so its readout"
            with pytest.raises(InputError, match=message):
                cropped.kspace(0)
