"""DICOM series: slices in order, where they lie in the patient, and what is no series."""

import sys

import numpy as np
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, generate_uid
from raw_formats import write_dicom
from traced_memory import traced_memory

from kdmri_tf.errors import InputError
from kdmri_tf.volumes import dicom_file
from kdmri_tf.volumes.open_volume import open_volume

SERIES = generate_uid()


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(1, 4000, (4, 12, 10))


@pytest.fixture
def folder(tmp_path, images):
    """A sagittal series, 3 mm from slice to slice, in files of another order."""
    for name, index in zip("bdac", range(4), strict=True):
        write_dicom(tmp_path / f"s/{name}.dcm", images[index], (3 * index - 5, 20, 40), SERIES)
    (tmp_path / "s/notes.txt").touch()
    return tmp_path / "s"


def test_slices_in_order(folder, images):
    with open_volume(folder) as volume:
        assert (volume.num_slices, volume.image_size) == (4, (12, 10))
        found = np.stack([volume.stored(index) for index in range(4)])
    np.testing.assert_array_equal(found, (2 * images - 1)[::-1])  # from left to right


def test_where_they_are(folder):
    """NIfTI counts to the right, front and top; DICOM to the left, back and top."""
    with open_volume(folder) as volume:
        affine = volume.grid.affine
        first = volume.stored(0)
    np.testing.assert_allclose(affine[:3, 0], [0, -1.5, 0])  # along W: to the back
    np.testing.assert_allclose(affine[:3, 1], [0, 0, -2])  # along H: down
    np.testing.assert_allclose(affine[:3, 2], [3, 0, 0])  # to the right
    np.testing.assert_allclose(affine[:3, 3], [-4, -20, 40])
    with open_volume(folder / "c.dcm") as one:
        np.testing.assert_array_equal(first, one.stored(0))
        np.testing.assert_allclose(one.grid.affine[:3, 2:], [[4, -4], [0, -20], [0, 40]])


@pytest.mark.parametrize(
    ("changes", "position", "message"),
    [
        (
            {"SeriesInstanceUID": generate_uid()},
            7,
            r"differ in SeriesInstanceUID \(2 values\): giv",
        ),
        ({"PixelSpacing": [1, 1]}, 7, "differ in PixelSpacing"),
        ({}, 4, "several images at the same position, such as echoes"),
        ({}, 13, "steps of 3 to 9 mm between its slices: a slice seems to be missing"),
        ({"ImagePositionPatient": None}, 7, "lacks ImagePositionPatient: it is no slice of an MR"),
        ({"NumberOfFrames": 5}, 7, r"has several frames \(enhanced DICOM\): convert it to NIfTI"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}, 7, "shows the phase: give the series"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "I", "ND"]}, 7, "shows the imaginary part: give"),
        ({"ImageType": "REAL"}, 7, "shows the real part: give the series of the magnitude"),
        ({"SamplesPerPixel": 3}, 7, "is a picture in colour"),
    ],
)
def test_no_series(folder, images, changes, position, message):
    write_dicom(folder / "e.dcm", images[0], (position, 20, 40), SERIES, **changes)
    with pytest.raises(InputError, match=message):
        open_volume(folder).__enter__()


def test_a_type_of_one_word(folder, images):
    """PRIMARY has a P, but does not mean the phase."""
    write_dicom(folder / "e.dcm", images[0], (7, 20, 40), SERIES, ImageType="PRIMARY")
    with open_volume(folder) as volume:
        assert volume.num_slices == 5


def test_inverted_grey_values(folder, images):
    changes = {"PhotometricInterpretation": "MONOCHROME1"}
    write_dicom(folder / "e.dcm", images[0], (7, 20, 40), SERIES, **changes)
    with open_volume(folder) as volume:
        assert len([volume.stored(index) for index in range(1, 5)]) == 4
        with pytest.raises(InputError, match=r"e\.dcm shows its smallest values as white"):
            volume.stored(0)  # the last from left to right


def test_other_folders(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty has no \.dcm files; give one DICOM series"):
        open_volume(tmp_path / "empty").__enter__()
    (folder / "a.dcm").write_bytes(b"no slice")
    with pytest.raises(InputError, match=r"s cannot be read \(InvalidDicomError"):
        open_volume(folder).__enter__()


def test_without_the_package(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom", None)
    message = r"needs the package pydicom, .* run pip install pydicom\.$"
    with pytest.raises(InputError, match=message):
        open_volume(folder).__enter__()


class TestBounds:
    """What a file says of sizes costs no memory."""

    @pytest.fixture
    def deflated(self, tmp_path, images):
        """Writes a slice whose data set is deflated, followed by so many bytes of zeros."""

        def write(padding):
            plain = write_dicom(tmp_path / "a.dcm", images[0], (0, 0, 0), SERIES)
            dataset = pydicom.dcmread(plain)
            dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
            dataset.add_new((0x7FE1, 0x0010), "OB", bytes(padding))
            path = tmp_path / "deflated.dcm"
            dataset.save_as(path, enforce_file_format=True)
            return path

        return write

    def test_deflated(self, deflated, images):
        with open_volume(deflated(2**16)) as volume:
            np.testing.assert_array_equal(volume.stored(0), 2 * images[0] - 1)

    def test_a_bomb(self, deflated, monkeypatch):
        monkeypatch.setattr(dicom_file, "LARGEST_DATASET", 2**21)
        path = deflated(2**22)
        message = r"deflated\.dcm unpacks to more than 2,097,152 bytes"
        with pytest.raises(InputError, match=message), open_volume(path):
            pass

    def test_a_value_that_claims_gigabytes(self, tmp_path, images):
        path = write_dicom(tmp_path / "a.dcm", images[0], (0, 0, 0), SERIES)
        start = 144 + int.from_bytes(path.read_bytes()[140:144], "little")
        value = b"\x08\0\x05\0UN\0\0" + (2**32 - 16).to_bytes(4, "little")
        path.write_bytes(path.read_bytes()[:start] + value + bytes(100))
        with traced_memory() as peak:
            with (
                pytest.raises(InputError, match=r"a\.dcm lacks SeriesInstanceUID: it is no slice"),
                open_volume(path),
            ):
                pass
            assert peak() < 2**24
