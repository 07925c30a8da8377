"""Raw acquisitions in ISMRMRD files: every line in its place, or a sentence why not."""

import sys

import h5py
import numpy as np
import pytest
from raw_formats import acquisition, header, write_ismrmrd
from stand_in import centered_kspace

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.crop_readout import crop_readout
from kdmri_tf.volumes.measured_mask import measured_mask
from kdmri_tf.volumes.open_volume import open_volume

SIZE = (12, 9)


@pytest.fixture
def images():
    """Images (slices, coils, H, W)."""
    draw = np.random.default_rng(0).normal(size=(2, 2, 3, *SIZE))
    return 4 + draw[0] + 1j * draw[1]


def lines_of(images, steps=range(SIZE[1]), first=0, **counters):
    """The lines of all slices, those of the last one first."""
    kspace = centered_kspace(images)
    return [
        acquisition(kspace[place, :, :, step], step - first, slice=place, **counters)
        for place in reversed(range(len(images)))
        for step in steps
    ]


def test_every_line_is_in_its_place(tmp_path, images):
    noise = acquisition(np.ones((3, 64)), 0, ["NOISE_MEASUREMENT"])
    lines = [noise, *lines_of(images)]
    path = write_ismrmrd(tmp_path / "a.h5", header(*SIZE), lines)
    with open_volume(path) as volume:
        assert (volume.num_slices, volume.num_coils, volume.image_size) == (2, 3, SIZE)
        for index in range(2):
            expected = np.fft.fft2(images[index], norm="ortho")
            np.testing.assert_allclose(volume.kspace(index), expected, atol=1e-5)
        np.testing.assert_allclose(np.diag(volume.grid.affine), [-1, -1, 5, 1])
        assert volume.readout_rows is None


def test_undersampled_with_an_early_centre(tmp_path, images):
    """Partial Fourier: fewer lines before the centre, and short echoes."""
    steps = [3, 4, 5, 8]
    lines = lines_of(images, steps, first=2)
    for line in lines:
        line.discard_pre = 4
    path = write_ismrmrd(tmp_path / "a.h5", header(*SIZE, centre=SIZE[1] // 2 - 2), lines)
    with open_volume(path) as volume:
        mask = np.fft.fftshift(measured_mask(volume))
        expected = centered_kspace(images)[1]
        found = volume.stored(1)
    assert sorted(np.flatnonzero(mask.any(axis=0))) == steps
    np.testing.assert_allclose(found[:, 4:, steps], expected[:, 4:, steps], atol=1e-5)
    assert not found[:, :4].any()


def test_oversampled_readout(tmp_path, images):
    padded = np.pad(images, [(0, 0), (0, 0), (6, 6), (0, 0)])
    path = write_ismrmrd(tmp_path / "a.h5", header(24, 9, kept=12), lines_of(padded))
    with open_volume(path) as volume:
        assert volume.readout_rows == 12
        found = crop_readout(volume).kspace(0)
    np.testing.assert_allclose(found, np.fft.fft2(images[0], norm="ortho"), atol=1e-5)


def test_averages_and_frames(tmp_path, images):
    lines = [
        *lines_of(images[:1], phase=0, average=0),
        *lines_of(3 * images[:1], phase=0, average=1),
        *lines_of(images[1:], phase=2),
    ]
    with open_volume(write_ismrmrd(tmp_path / "a.h5", header(*SIZE), lines)) as volume:
        assert [volume.slice_name(index) for index in range(2)] == [
            "slice 0, phase 0",
            "slice 0, phase 2",
        ]
        expected = np.fft.fft2(2 * images[0], norm="ortho")
        np.testing.assert_allclose(volume.kspace(0), expected, atol=1e-5)


@pytest.mark.parametrize(("mode", "used"), [("embedded", True), ("separate", False)])
def test_calibration_lines(tmp_path, images, mode, used):
    kspace = centered_kspace(images[:1])
    lines = [acquisition(kspace[0, :, :, step], step) for step in range(0, 9, 2)]
    lines.append(acquisition(kspace[0, :, :, 5], 5, ["PARALLEL_CALIBRATION"]))
    parallel = (
        "<parallelImaging><accelerationFactor><kspace_encoding_step_1>2</kspace_encoding_step_1>"
        "<kspace_encoding_step_2>1</kspace_encoding_step_2></accelerationFactor>"
        f"<calibrationMode>{mode}</calibrationMode></parallelImaging></encoding>"
    )
    text = header(*SIZE).replace("</encoding>", parallel)
    with open_volume(write_ismrmrd(tmp_path / "a.h5", text, lines)) as volume:
        assert bool(volume.stored(0)[:, :, 5].any()) is used


class TestRefused:
    def refused(self, path, text, lines, message):
        with pytest.raises(InputError, match=message):
            open_volume(write_ismrmrd(path, text, lines)).__enter__()
        path.unlink()

    def test_other_sampling(self, tmp_path, images):
        path, lines = tmp_path / "a.h5", lines_of(images)
        radial = header(*SIZE, trajectory="radial")
        self.refused(path, radial, lines, "a trajectory of the kind 'radial', but only Cartesian")
        self.refused(path, header(*SIZE, z=20), lines, "three-dimensional k-space, 20 steps along")
        twice = header(*SIZE)
        start, end = twice.index("<encoding>"), twice.index("</ismrmrdHeader>")
        twice = twice[:end] + twice[start:end] + twice[end:]
        self.refused(path, twice, lines, "has 2 encodings, but only one")
        lines[3].setFlag(22)  # ACQ_IS_REVERSE
        self.refused(path, header(*SIZE), lines, r"measured in reverse \(EPI\), which cannot")

    def test_lines_that_do_not_fit(self, tmp_path, images):
        path = tmp_path / "a.h5"
        lines = lines_of(images)
        message = r"acquisition 0 .*, of 12 samples at step 0, does not fit into .* 12x9 that the"
        self.refused(path, header(*SIZE, centre=6), lines, message)
        self.refused(path, header(10, 9), lines, r"acquisition 0 .*, of 12 samples at step 0, does")
        others = [*lines, acquisition(np.ones((2, 12)), 0)]
        self.refused(path, header(*SIZE), others, "has lines of 2 and of 3 channels")
        noise = [acquisition(np.ones((3, 12)), 0, ["NOISE_MEASUREMENT"])]
        self.refused(path, header(*SIZE), noise, "has no acquisitions of an image")
        huge = header(60000, 60000)
        self.refused(path, huge, lines, "each slice of 'k-space', 60000x60000, has 3,600,000,000 p")

    def test_without_the_package(self, tmp_path, images, monkeypatch):
        path = write_ismrmrd(tmp_path / "a.h5", header(*SIZE), lines_of(images))
        monkeypatch.setitem(sys.modules, "ismrmrd", None)
        message = r"needs the package ismrmrd, .* run pip install ismrmrd\.$"
        with pytest.raises(InputError, match=message):
            open_volume(path).__enter__()

    def test_values_of_other_files(self, tmp_path, images):
        other = write_ismrmrd(tmp_path / "b.h5", header(*SIZE), lines_of(images))
        path = tmp_path / "a.h5"
        for place, message in [
            ("dataset", r"none of the datasets kspace, .* \(it has: dataset\)"),
            ("dataset/data", "'dataset/data' is a link to another file, and only the file itself"),
        ]:
            with h5py.File(path, "w") as file:
                file[place] = h5py.ExternalLink(other, place)
                if place != "dataset":
                    file["dataset/xml"] = [header(*SIZE)]
            with pytest.raises(InputError, match=message):
                open_volume(path).__enter__()

    def test_damaged(self, tmp_path, images):
        path = write_ismrmrd(tmp_path / "a.h5", "no header", lines_of(images))
        with pytest.raises(InputError, match=r"a\.h5 cannot be read \("):
            open_volume(path).__enter__()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("data", r"a\.h5 has 1,000,000,000 acquisitions, but a file may have 1,048,576 at most"),
        ("xml", r"'dataset/xml' is object of shape \(1000000000,\), but must be one text"),
    ],
)
def test_a_small_file_that_claims_billions(tmp_path, images, name, message):
    path = write_ismrmrd(tmp_path / "a.h5", header(*SIZE), lines_of(images))
    with h5py.File(path, "r+") as file:
        first = file[f"dataset/{name}"][:1]
        dtype = file[f"dataset/{name}"].dtype
        del file[f"dataset/{name}"]
        huge = file.create_dataset(f"dataset/{name}", (10**9,), dtype, chunks=(1,))
        huge[0] = first[0]
    with pytest.raises(InputError, match=message), open_volume(path):
        pass
