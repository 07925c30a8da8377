"""K-space of MATLAB files, as in CMRxRecon, and what is none."""

import numpy as np
import pytest
import scipy.io
from raw_formats import write_mat73
from stand_in import centered_kspace

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.centered_kspace import unshifted_kspace
from kdmri_tf.volumes.open_volume import open_volume

SIZE = (16, 13)


class TestMatlab:
    def write(self, path, version, **variables):
        if version == "v7.3":
            return write_mat73(path, **variables)
        scipy.io.savemat(path, variables, do_compression=version == "v5 compressed")
        return path

    @pytest.mark.parametrize("version", ["v5", "v5 compressed", "v7.3"])
    def test_film_of_many_coils(self, tmp_path, version):
        """CMRxRecon: (kx, ky, coil, slice, time)."""
        draw = np.random.default_rng(0).normal(size=(2, 2, 3, 4, *SIZE))
        images = 4 + draw[0] + 1j * draw[1]
        kspace = centered_kspace(images).astype(np.complex64)  # (slice, time, coil, kx, ky)
        stored = kspace.transpose(3, 4, 2, 0, 1)
        path = self.write(tmp_path / "cine.mat", version, kspace_full=stored, other=np.ones(2))
        with open_volume(path) as volume:
            assert (volume.num_slices, volume.num_coils, volume.image_size) == (6, 4, SIZE)
            expected = np.fft.fft2(images[1, 2], norm="ortho")
            np.testing.assert_allclose(volume.kspace(5), expected, atol=1e-5)
            assert volume.slice_name(5) == "slice 1, frame 2"

    @pytest.mark.parametrize("version", ["v5", "v7.3"])
    @pytest.mark.parametrize(
        ("name", "axes", "shape"),
        [
            ("kspace_sub04", "", (1, 1)),
            ("kus", "c", (1, 4)),
            ("rawdata", "c", (1, 4)),
            ("kspace_full", "cs", (3, 4)),
            ("kspace_single_full", "s", (3, 1)),
            ("kspace_single_sub10", "st", (6, 1)),
        ],
    )
    def test_fewer_axes(self, tmp_path, version, name, axes, shape):
        draw = np.random.default_rng(0).normal(size=(2, 3, 2, 4, *SIZE))
        kspace = centered_kspace(4 + draw[0] + 1j * draw[1])  # (s, t, c, kx, ky)
        stored = kspace.transpose(3, 4, 2, 0, 1)
        for axis, letter in zip((4, 3, 2), "tsc", strict=True):
            stored = stored if letter in axes else stored.take(0, axis)
        path = self.write(tmp_path / "a.mat", version, **{name: stored})
        with open_volume(path) as volume:
            assert (volume.num_slices, volume.num_coils) == shape
            place = (shape[0] - 1) // (2 if "t" in axes else 1), 1 if "t" in axes else 0
            expected = unshifted_kspace(kspace[place])[: shape[1]]
            np.testing.assert_allclose(volume.kspace(shape[0] - 1), expected, atol=1e-5)

    @pytest.mark.parametrize("version", ["v5", "v7.3"])
    def test_contents_that_are_no_kspace(self, tmp_path, version):
        cases = [
            ({"mask": np.ones(SIZE)}, r"a\.mat has no k-space: .* \(it has: mask\)"),
            (
                {"kspace_full": np.ones(SIZE), "kspace_sub04": np.ones(SIZE)},
                "has both kspace_full and kspace_sub04",
            ),
            ({"kspace_full": np.ones(SIZE)}, "'kspace_full' is float64, but must be complex"),
            (
                {"kspace": np.ones((4, 4, 2, 2, 2, 2)) + 1j},
                r"shape \(4, 4, 2, 2, 2, 2\), but must be \(kx, ky, coil, slice, time\)",
            ),
        ]
        for variables, message in cases:
            path = self.write(tmp_path / "a.mat", version, **variables)
            with pytest.raises(InputError, match=message):
                open_volume(path).__enter__()
            path.unlink()

    def test_damaged(self, tmp_path, images):
        path = self.write(tmp_path / "a.mat", "v5", kspace_full=images.transpose(2, 3, 1, 0))
        path.write_bytes(path.read_bytes()[:5000])
        with pytest.raises(InputError, match=r"a\.mat cannot be read \(ValueError: it ends early"):
            open_volume(path).__enter__()
        path.write_bytes(b"no such file")
        with pytest.raises(InputError, match=r"a\.mat cannot be read \(ValueError: it is no MATL"):
            open_volume(path).__enter__()
