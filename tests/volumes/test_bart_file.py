"""K-space of BART's files."""

import numpy as np
import pytest
from raw_formats import write_bart
from stand_in import centered_kspace

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.open_volume import open_volume

SIZE = (16, 13)


class TestBart:
    def test_slices_and_coils(self, tmp_path, images):
        kspace = centered_kspace(images)
        stored = kspace.transpose(2, 3, 1, 0).reshape(*SIZE, 1, 4, *[1] * 9, 3)
        with open_volume(write_bart(tmp_path / "a.cfl", stored.shape, stored)) as volume:
            assert (volume.num_slices, volume.num_coils, volume.image_size) == (3, 4, SIZE)
            expected = np.fft.fft2(images[2], norm="ortho")
            np.testing.assert_allclose(volume.kspace(2), expected, atol=1e-5)

    def test_plane_of_two_phase_encodes_and_frames(self, tmp_path, images):
        """A slice of a three-dimensional scan, whose readout is an image axis already."""
        kspace = centered_kspace(images)
        stored = kspace.transpose(2, 3, 1, 0).reshape(1, *SIZE, 4, *[1] * 6, 3)
        with open_volume(write_bart(tmp_path / "a.cfl", stored.shape, stored)) as volume:
            assert volume.slice_name(1) == "slice 0, frame 1"
            expected = np.fft.fft2(images[1], norm="ortho")
            np.testing.assert_allclose(volume.kspace(1), expected, atol=1e-5)

    @pytest.mark.parametrize(
        ("dimensions", "message"),
        [
            ((8, 6, 4, 2), r"three-dimensional k-space, x 8, y 6 and z 4: make slices of it, with"),
            ((8, 6, 1, 2, 2), r"2 sets of maps along dimension 4, but only coils \(3\), time"),
            ((8, 6, 1, 2, 1, 3), "3 echoes along dimension 5.*bart slice 5 0"),
            ((8, 6, 0, 2), r"k-space' is empty"),
            ((10**6, 10**6, 1), "each slice of 'k-space', 1000000x1000000, has 1,000,000,000,000"),
            ((1, 1, 1, 8), "has slices of 1x1 pixels"),
        ],
    )
    def test_dimensions_that_are_no_slices(self, tmp_path, dimensions, message):
        path = tmp_path / "a.cfl"
        small = dimensions if np.prod(dimensions) < 10**4 else (1, 1)
        write_bart(path, small)
        path.with_suffix(".hdr").write_text(f"# Dimensions\n{' '.join(map(str, dimensions))}\n")
        with pytest.raises(InputError, match=message):
            open_volume(path).__enter__()

    @pytest.mark.parametrize("text", ["", "# Dimensions", "# Dimensions\n8 -6 1", "8 6 1 2", "\0"])
    def test_damaged_header(self, tmp_path, text):
        path = write_bart(tmp_path / "a.cfl", (8, 6))
        path.with_suffix(".hdr").write_text(text)
        with pytest.raises(InputError, match=r"a\.hdr has no line of 2 to 16 whole numbers behind"):
            open_volume(path).__enter__()

    def test_parts_that_do_not_fit(self, tmp_path):
        path = write_bart(tmp_path / "a.cfl", (8, 6))
        path.write_bytes(path.read_bytes()[:-8])
        with pytest.raises(InputError, match=r"has 376 bytes, but its \.hdr announces 384: one of"):
            open_volume(path).__enter__()
        path.with_suffix(".hdr").unlink()
        with pytest.raises(InputError, match=r"needs its header beside it, but there is no file"):
            open_volume(path).__enter__()
