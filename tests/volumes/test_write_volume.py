"""Volumes that are written: geometry, atomic replacement, what cannot be written."""

import os
import subprocess
import sys
from contextlib import nullcontext

import full_disk
import h5py
import nibabel
import numpy as np
import pytest

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.geometry import VoxelGrid
from kdmri_tf.volumes.open_volume import open_volume
from kdmri_tf.volumes.write_volume import check_output, volume_output


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(0, 900, (3, 12, 7))


def stop(slices):
    slices[0] = 1
    raise KeyboardInterrupt


# Writes a volume, with a disk whose free space is misreported as by a quota, or that fills up.
ON_A_SMALL_DISK = """
import os, shutil, sys
from collections import namedtuple
from kdmri_tf.errors import InputError
from kdmri_tf.volumes.geometry import VoxelGrid
from kdmri_tf.volumes.write_volume import volume_output

path, when, num_slices = sys.argv[1], sys.argv[2], int(sys.argv[3])

def fill():
    with open(os.path.join(os.path.dirname(path), "filler"), "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass

if when != "reported":
    Usage = namedtuple("Usage", "free")
    shutil.disk_usage = lambda path: Usage(2**40)
if when == "before":
    fill()
try:
    with volume_output(path, (num_slices, 128, 128), VoxelGrid.of_voxels(), "note") as slices:
        if when == "during":
            fill()
        for index in range(num_slices):
            slices[index] = os.getpid() + index
except InputError as error:
    print(error)
    raise SystemExit(2)
"""


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 3 MB."""
    with full_disk.small_disk(tmp_path / "disk") as disk:
        yield disk


@pytest.mark.parametrize("name", ["b.nii", "b.nii.gz", "b.npy", "b.h5"])
class TestFullDisk:
    def write(self, path, when, num_slices):
        command = [sys.executable, "-c", ON_A_SMALL_DISK, str(path), when, str(num_slices)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    @pytest.mark.parametrize("when", ["reported", "unreported", "before", "during"])
    def test_one_sentence_and_nothing_is_left(self, small_disk, name, when):
        path = small_disk / name
        path.write_text("earlier")
        # NIfTI is written from a second copy.
        num_slices = 60 if when != "during" else 30
        ended = self.write(path, when, num_slices)
        if when == "during" and not name.startswith("b.nii"):
            assert ended.returncode == 0, ended.stderr  # its room was taken before
        else:
            assert ended.returncode == 2, ended.stderr
            assert ended.stderr == ""
            (sentence,) = ended.stdout.splitlines()
            assert f"{path} " in sentence
            assert sentence.endswith("make room or choose another folder.")
            assert path.read_text() == "earlier"
        assert set(os.listdir(small_disk)) <= {name, "filler"}
        # There is room again.
        (small_disk / "filler").unlink(missing_ok=True)
        assert self.write(path, "reported", 15).returncode == 0


class TestWriting:
    @pytest.mark.parametrize("name", ["b.nii", "b.nii.gz", "b.NII.GZ", "b.npy", "b.h5"])
    def test_every_format_can_be_read_again(self, tmp_path, images, name):
        path = tmp_path / name
        path.write_text("earlier")
        with volume_output(path, images.shape, VoxelGrid.of_voxels(2, 3, 4), "note") as slices:
            slices[:] = images
            assert path.read_text() == "earlier"
        assert [found.name for found in tmp_path.iterdir()] == [name]
        if name == "b.h5":
            with h5py.File(path) as file:
                np.testing.assert_array_equal(file["reconstruction"], np.float32(images))
                assert file.attrs["note"] == "note"
        else:
            with open_volume(path) as volume:
                read = [volume.magnitude(index) for index in range(volume.num_slices)]
            np.testing.assert_array_equal(read, np.float32(images))

    @pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
    def test_geometry_is_kept(self, tmp_path, images, name):
        affine = np.array([[0, -2, 0, 9], [1.5, 0, 0, 8], [0, 0, 6, 7], [0, 0, 0, 1.0]])
        stored = nibabel.Nifti1Image(images.astype(np.int16).T, affine)
        stored.header.set_xyzt_units("mm", "sec")
        stored.header.set_qform(affine, code="scanner")
        nibabel.save(stored, tmp_path / name)
        with (
            open_volume(tmp_path / name) as volume,
            volume_output(tmp_path / "b.nii.gz", images.shape, volume.grid, "n" * 99) as slices,
        ):
            slices[:] = images
        written = nibabel.load(tmp_path / "b.nii.gz")
        np.testing.assert_array_equal(written.get_fdata(), np.float32(images.T))
        np.testing.assert_allclose(written.affine, affine, atol=1e-6)
        assert written.get_data_dtype() == np.float32
        assert written.header.get_zooms() == stored.header.get_zooms()
        assert written.header.get_xyzt_units() == ("mm", "sec")
        assert written.header["qform_code"] == 1

    @pytest.mark.parametrize("suffix", ["nii", "nii.gz", "npy", "h5"])
    def test_names_that_are_not_utf8(self, tmp_path, images, suffix):
        """Of the volume, and of the network that the note names."""
        path = os.fsdecode(os.path.join(os.fsencode(tmp_path), b"gr\xe9tel." + suffix.encode()))
        note = os.fsdecode(b"h\xe4nsel, trained on nothing")
        check_output(path, [])
        with volume_output(path, images.shape, VoxelGrid.of_voxels(), note) as slices:
            slices[:] = images
        if suffix == "h5":
            with h5py.File(path) as file:
                assert file.attrs["note"] == r"h\xe4nsel, trained on nothing"
                np.testing.assert_array_equal(file["reconstruction"], np.float32(images))
        else:
            with open_volume(path) as volume:
                np.testing.assert_array_equal(volume.magnitude(1), np.float32(images[1]))

    def test_nothing_is_left_of_what_failed(self, tmp_path, images):
        path = tmp_path / "b.nii"
        path.write_text("earlier")
        output = volume_output(path, images.shape, VoxelGrid.of_voxels(), "")
        with pytest.raises(KeyboardInterrupt), output as slices:
            stop(slices)
        assert [found.name for found in tmp_path.iterdir()] == ["b.nii"]
        assert path.read_text() == "earlier"

    def test_no_room(self, tmp_path):
        shape = (10**6, 10**4, 10**4)
        output = volume_output(tmp_path / "b.h5", shape, VoxelGrid.of_voxels(), "")
        with pytest.raises(InputError, match=r"needs 381469727 MiB on the disk, but only .* are f"):
            output.__enter__()
        assert not list(tmp_path.iterdir())

    def test_too_many_slices_for_nifti(self, tmp_path):
        for name, is_nifti in [("b.nii", True), ("b.nii.gz", True), ("b.npy", False)]:
            output = volume_output(tmp_path / name, (2**15, 2, 2), VoxelGrid.of_voxels(), "")
            expected = pytest.raises(InputError, match="but NIfTI has at most 32767; write")
            with expected if is_nifti else nullcontext(), output:
                pass

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("b.png", r"b\.png has an unknown suffix; use one of \.nii, \.nii\.gz, \.h5, \.npy\."),
            ("no/b.nii", r"no folder .*no to write b\.nii to"),
            ("folder.npy", r"folder\.npy is a folder; give the name of another file"),
            ("picture.npy", r"picture\.png is a folder; give the name of another file"),
            ("x/../a.npy", "would overwrite an input"),
        ],
    )
    def test_places_that_are_refused(self, tmp_path, name, message):
        (tmp_path / "folder.npy").mkdir()
        (tmp_path / "picture.png").mkdir()
        (tmp_path / "x").mkdir()
        with pytest.raises(InputError, match=message):
            check_output(tmp_path / name, ["mask.npy", tmp_path / "a.npy"])

    def test_folder_without_permission(self, tmp_path, monkeypatch):
        monkeypatch.setattr("os.access", lambda *_: False)
        with pytest.raises(InputError, match=r"is not writable; choose another output"):
            check_output(tmp_path / "a.npy", [])


def test_the_same_values_make_the_same_file(tmp_path):
    """HDF5 would keep the time at which a dataset was made."""
    with volume_output(tmp_path / "a.h5", (2, 8, 6), VoxelGrid.of_voxels(), "") as slices:
        slices[:] = 1
    with h5py.File(tmp_path / "a.h5") as file:
        assert h5py.h5g.get_objinfo(file.id, b"reconstruction").mtime == 0
