"""Files that are damaged, claim to be huge, or would have other files read."""

import gzip
import os

import h5py
import nibabel
import numpy as np
import pytest

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.open_volume import open_volume
from kdmri_tf.volumes.write_volume import volume_output


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 900, (3, 12, 7)).astype(np.int16)


def content(path):
    """All that a file says: its images and where they lie."""
    with open_volume(path) as volume:
        images = [volume.magnitude(index) for index in range(volume.num_slices)]
        return np.stack(images), volume.grid.affine


class TestDamage:
    """Single flipped bits: a file is refused, or what is read is what was written."""

    def test_compressed_nifti(self, tmp_path):
        """Large enough that its last values are there long before its checksum is read."""
        rng = np.random.default_rng(0)
        path = tmp_path / "a.nii.gz"
        stored = rng.integers(0, 900, (4, 128, 128)).astype(np.int16)
        nibabel.save(nibabel.Nifti1Image(stored.T, np.diag([2, 3, 4, 1.0])), path)
        images, affine = content(path)
        whole, noticed = path.read_bytes(), 0
        for position in [*range(20), *rng.integers(0, len(whole), 300)]:
            damaged = bytearray(whole)
            damaged[position] ^= 1 << rng.integers(8)
            path.write_bytes(damaged)
            try:
                found = content(path)
            except InputError:
                noticed += 1
            else:  # in what the gzip header says of time and system
                np.testing.assert_array_equal(found[0], images)
                np.testing.assert_array_equal(found[1], affine)
        assert noticed > 300

    @pytest.mark.parametrize("checked", [{"fletcher32": True}, {"compression": "gzip"}])
    def test_values_of_hdf5(self, tmp_path, images, checked):
        path = tmp_path / "a.h5"
        with h5py.File(path, "w") as file:
            dataset = file.create_dataset("image", data=images, chunks=(1, 12, 7), **checked)
            places = [dataset.id.get_chunk_info(index) for index in range(3)]
        whole = path.read_bytes()
        # The last bytes of a chunk are its checksum; compressed, bits of its header mean nothing.
        for place in places:
            for position in range(place.byte_offset + 2, place.byte_offset + place.size, 5):
                damaged = bytearray(whole)
                damaged[position] ^= 16
                path.write_bytes(damaged)
                with pytest.raises(InputError, match="cannot be read"):
                    content(path)

    def test_what_follows_a_compressed_file(self, tmp_path, images):
        path = tmp_path / "a.nii.gz"
        nibabel.save(nibabel.Nifti1Image(images.T, np.eye(4)), path)
        whole = path.read_bytes()
        path.write_bytes(whole + bytes(64))  # tapes and disks fill up with zeros
        content(path)
        path.write_bytes(whole[:-8])  # neither checksum nor length
        with pytest.raises(InputError, match=r"a\.nii\.gz cannot be read \(EOFError"):
            content(path)


class TestSizes:
    def test_hdf5(self, tmp_path):
        path = tmp_path / "a.h5"
        for shape, message in [
            ((3, 60000, 60000), "each slice of 'image', 60000x60000, has 3,600,000,000 pixels"),
            ((10**6, 2048, 2048), r"of shape \(1000000, 2048, 2048\), has 4,194,304,000,000 samp"),
        ]:
            with h5py.File(path, "w") as file:
                chunks = (1, *(min(side, 1024) for side in shape[1:]))
                dataset = file.create_dataset("image", shape, "f4", chunks=chunks)
                dataset[0, :8, :8] = 1
            assert path.stat().st_size < 2**23
            with pytest.raises(InputError, match=message):
                content(path)

    def test_chunks_of_hdf5(self, tmp_path):
        """A small dataset of which any value unpacks to gigabytes."""
        with h5py.File(tmp_path / "a.h5", "w") as file:
            dataset = file.create_dataset(
                "image", (3, 8, 8), "u1", chunks=(1, 30000, 30000), maxshape=(None, None, None)
            )
            dataset.id.write_direct_chunk((0, 0, 0), b"\0")
        with pytest.raises(InputError, match=r"has chunks of shape \(1, 30000, 30000\), larger"):
            content(tmp_path / "a.h5")

    @pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
    def test_nifti_2(self, tmp_path, suffix):
        header = nibabel.Nifti2Header()
        header.set_data_dtype(np.float32)
        header["dim"][:4] = 3, 10**9, 10**9, 10**9
        header["vox_offset"] = 544
        with (gzip.open if suffix == ".nii.gz" else open)(tmp_path / f"a{suffix}", "wb") as file:
            file.write(header.binaryblock + bytes(1000))
        with pytest.raises(
            InputError, match=r"slice of 'image', 1000000000x1000000000, has 1,000,"
        ):
            content(tmp_path / f"a{suffix}")

    def nifti(self, path, shape, num_bytes, offset=352):
        """A compressed file of zeros."""
        header = nibabel.Nifti1Header()
        header.set_data_dtype(np.uint8)
        header.set_data_shape(shape)
        header["vox_offset"] = offset
        with gzip.open(path, "wb", compresslevel=1) as file:
            file.write(header.binaryblock)
            for _ in range(num_bytes // 2**20):
                file.write(bytes(2**20))

    def test_compressed_nifti(self, tmp_path):
        path = tmp_path / "a.nii.gz"
        self.nifti(path, (30000, 30000, 1), 2**20)
        with pytest.raises(InputError, match="30000x30000, has 900,000,000 pixels, but an image"):
            content(path)
        self.nifti(path, (8, 8, 2), 2**23)
        with pytest.raises(InputError, match="unpacks to more than the 480 bytes that its header"):
            content(path)
        self.nifti(path, (8, 8, 2), 2**20, offset=2**30)
        with pytest.raises(InputError, match=r"voxels would begin 1\.07374e\+09 bytes after"):
            content(path)

    def test_numpy(self, tmp_path):
        array = np.lib.format.open_memmap(tmp_path / "a.npy", "w+", np.uint8, (2, 5000, 5000))
        del array  # a sparse file
        with pytest.raises(InputError, match="slice of 'array', 5000x5000, has 25,000,000 pixels"):
            content(tmp_path / "a.npy")
        pairs = np.lib.format.open_memmap(tmp_path / "b.npy", "w+", "f4", (1, 5000, 5000, 2))
        del pairs
        with pytest.raises(InputError, match="slice of 'k-space', 5000x5000, has 25,000,000 pixe"):
            content(tmp_path / "b.npy")


class TestOtherFiles:
    """What an HDF5 file may not do: name other files to be read."""

    @pytest.fixture
    def secret(self, tmp_path):
        path = tmp_path / "secret.h5"
        with h5py.File(path, "w") as file:
            file["image"] = np.ones((3, 8, 8), np.uint8)
            file["group/image"] = np.ones((3, 8, 8), np.uint8)
        return path

    def refused(self, path, message):
        with pytest.raises(InputError, match=message):
            content(path)

    def test_external_storage(self, tmp_path, secret):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            external = [(str(secret), 0, h5py.h5f.UNLIMITED)]
            file.create_dataset("image", (3, 8, 8), "u1", external=external)
        self.refused(tmp_path / "a.h5", "values of 'image' are in another file, and only the file")

    def test_external_links(self, tmp_path, secret):
        for target in (secret, tmp_path / "missing.h5"):
            with h5py.File(tmp_path / "a.h5", "w") as file:
                file["image"] = h5py.ExternalLink(target, "image")
            self.refused(tmp_path / "a.h5", "'image' is a link to another file, and only the file")

    def test_a_link_within_that_leads_out(self, tmp_path, secret):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["out"] = h5py.ExternalLink(secret, "group")
            file["image"] = h5py.SoftLink("/out/image")
        self.refused(tmp_path / "a.h5", "'image' is a link to another file, and only the file")

    def test_none_of_them_is_opened(self, tmp_path):
        """Not even to see that it is another one: it may be a pipe that never answers."""
        os.mkfifo(tmp_path / "pipe.h5")
        for target in ("/out/image", "out/again"):
            with h5py.File(tmp_path / "a.h5", "w") as file:
                file["out"] = h5py.ExternalLink(tmp_path / "pipe.h5", "group")
                file["image"] = h5py.SoftLink(target)
            self.refused(tmp_path / "a.h5", "'image' is a link to another file, and only the file")

    def test_links_in_a_ring(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["image"], file["other"] = h5py.SoftLink("/other"), h5py.SoftLink("image")
        self.refused(tmp_path / "a.h5", "'image' is a link that leads nowhere")

    def test_virtual_datasets(self, tmp_path, secret):
        for name in (secret, "missing.h5", "."):
            layout = h5py.VirtualLayout((3, 8, 8), "u1")
            layout[:] = h5py.VirtualSource(name, "image", (3, 8, 8))
            with h5py.File(tmp_path / "a.h5", "w") as file:
                file.create_virtual_dataset("image", layout, fillvalue=7)
            self.refused(tmp_path / "a.h5", "'image' is a virtual dataset, made of others, and on")

    def test_links_within_the_file(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["group/real"] = np.ones((3, 8, 8))
            file["group/other"] = h5py.SoftLink("real")
            file["image"] = h5py.SoftLink("/group/./other")
        assert content(tmp_path / "a.h5")[0].shape == (3, 8, 8)
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["image"] = h5py.SoftLink("/nothing")
        self.refused(tmp_path / "a.h5", "'image' is a link that leads nowhere")

    def test_what_holds_no_values(self, tmp_path):
        def group(file):
            file.create_group("image")

        def unwritten(file):
            file.create_dataset("image", (3, 8, 8))

        def null(file):
            file["image"] = h5py.Empty("f4")

        for make, message in [
            (group, "'image' is a group, but must be a dataset"),
            (unwritten, r"'image' has a shape, \(3, 8, 8\), but no values"),
            (null, r"'image' is empty\."),
        ]:
            with h5py.File(tmp_path / "a.h5", "w") as file:
                make(file)
            self.refused(tmp_path / "a.h5", message)


class TestHeaders:
    @pytest.mark.parametrize("size", [1e300, 1e39, 1e-300, 1e-40])
    def test_voxels_that_float32_cannot_hold(self, tmp_path, size):
        """Which would fail after everything is reconstructed."""
        path = tmp_path / "a.nii"
        nibabel.save(nibabel.Nifti2Image(np.ones((4, 5, 6), np.float32), np.eye(4)), path)
        with open(path, "r+b") as file:
            file.seek(400)  # srow_x of NIfTI-2, float64
            file.write(np.float64(size).tobytes())
        with pytest.raises(InputError, match="does not say where the voxels are, as the affine"):
            content(path)

    @pytest.mark.parametrize("size", [1e-3, 1e30])
    def test_voxels_that_it_can_hold_are_written(self, tmp_path, size):
        path = tmp_path / "a.nii"
        affine = np.diag([size, 2, 3, 1])
        nibabel.save(nibabel.Nifti2Image(np.ones((4, 5, 6), np.float32), affine), path)
        with (
            open_volume(path) as volume,
            volume_output(tmp_path / "b.nii.gz", (6, 5, 4), volume.grid, "") as slices,
        ):
            slices[:] = 1
        np.testing.assert_allclose(content(tmp_path / "b.nii.gz")[1], affine, rtol=1e-6)

    def test_an_unknown_type_of_nifti(self, tmp_path, images):
        path = tmp_path / "a.nii"
        nibabel.save(nibabel.Nifti1Image(images.T, np.eye(4)), path)
        with open(path, "r+b") as file:
            file.seek(70)
            file.write(np.int16(36).tobytes())
        with pytest.raises(InputError, match=r"its header has an unknown type of values, 36\.$"):
            content(path)

    def test_damaged_headers_of_hdf5(self, tmp_path, images):
        """A file that is damaged is not said to hold links."""
        path = tmp_path / "a.h5"
        with h5py.File(path, "w", libver="latest") as file:
            header = h5py.h5o.get_info(file.create_dataset("image", data=images).id).addr
        with open(path, "r+b") as file:
            file.seek(header + 20)
            file.write(b"damage")
        with pytest.raises(InputError, match=r"a\.h5 cannot be read \(.*checksum"):
            content(path)

    def test_an_archive_named_as_an_array(self, tmp_path):
        """No sentence about `NpzFile` and its attributes."""
        np.savez(tmp_path / "a.npz", np.ones((3, 8, 8)))
        (tmp_path / "a.npz").rename(tmp_path / "a.npy")
        with pytest.raises(InputError, match=r"a\.npy cannot be read \(it is no \.npy file\)\.$"):
            content(tmp_path / "a.npy")

    @pytest.mark.parametrize("dtype", [[("a", "f4")], "M8[s]", "S3", "V4"])
    def test_values_that_are_no_numbers(self, tmp_path, dtype):
        np.save(tmp_path / "a.npy", np.zeros((3, 8, 8), dtype))
        with pytest.raises(InputError, match=r"'array' holds .* values instead of numbers"):
            content(tmp_path / "a.npy")
