"""Volumes that are read: layouts, conventions, geometry, damaged files."""

import h5py
import nibabel
import numpy as np
import pytest
from stand_in import centered_kspace

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.geometry import VoxelGrid, grid_of_fastmri
from kdmri_tf.volumes.open_volume import open_volume
from kdmri_tf.volumes.volume import KspaceVolume
from tfds_builders.readers.any_volume import READERS

HEADER = """<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><encoding>
<encodedSpace><matrixSize><x>{0}</x><y>{1}</y><z>1</z></matrixSize>
<fieldOfView_mm><x>{2}</x><y>{3}</y><z>5</z></fieldOfView_mm></encodedSpace>
<reconSpace><matrixSize><x>8</x><y>8</y><z>1</z></matrixSize>
<fieldOfView_mm><x>16</x><y>24</y><z>5</z></fieldOfView_mm></reconSpace>
</encoding></ismrmrdHeader>"""


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(0, 900, (3, 12, 7))


@pytest.fixture
def save(tmp_path):
    """Writes an array, or the datasets of an HDF5 file, and returns the path."""

    def write(name, array=None, **datasets):
        path = tmp_path / name
        if path.suffix == ".npy":
            np.save(path, array)
        elif path.suffix == ".h5":
            with h5py.File(path, "w") as file:
                for key, value in datasets.items():
                    file[key] = value
        else:
            nibabel.save(nibabel.Nifti1Image(array.transpose(2, 1, 0), np.eye(4)), path)
        return path

    return write


def magnitudes(path):
    with open_volume(path) as volume:
        assert volume.magnitude(0).dtype == np.float32
        assert volume.magnitude(0).shape == volume.image_size
        return np.stack([volume.magnitude(index) for index in range(volume.num_slices)])


class TestReading:
    @pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII.GZ", "a.npy"])
    @pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
    def test_images(self, save, images, name, dtype):
        stored = (images - 20).astype(dtype)
        np.testing.assert_allclose(magnitudes(save(name, stored)), np.abs(stored), rtol=1e-6)

    def test_the_lowest_integer_has_a_magnitude(self, save):
        with pytest.warns(UserWarning, match="negative values"):
            assert magnitudes(save("a.npy", np.full((1, 2, 2), -128, np.int8))).max() == 128

    def test_warns_of_images_that_are_no_magnitudes(self, save, images):
        """Their magnitude is another image: what was dark is bright."""
        normalized = (images - images.mean()) / images.std()
        with pytest.warns(UserWarning, match=r"a\.npy has negative values in slice 1 \(down to -1"):
            taken = magnitudes(save("a.npy", normalized))
        np.testing.assert_allclose(taken, np.abs(normalized), rtol=1e-6)

    @pytest.mark.parametrize("coils", [(), (4,)])
    def test_the_other_convention_is_refused(self, save, images, coils):
        """Its image would be rolled by half the field of view, without a word."""
        kspace = centered_kspace(images)
        if coils:
            kspace = np.repeat(kspace[:, np.newaxis], *coils, axis=1)
        for axes in [(-2, -1), -2, -1]:
            moved = np.fft.ifftshift(kspace, axes=axes)
            with pytest.raises(InputError, match=r"in the centre, but .* slice 1 .* np\.fft\.ffts"):
                magnitudes(save("a.npy", moved))
        if not coils:
            pairs = np.stack([kspace.real, kspace.imag], axis=-1)
            with pytest.raises(InputError, match=r"at \[0, 0\], but .* \+ 1j \* kspace"):
                magnitudes(save("b.npy", pairs))

    def test_one_pixel_wide_slices(self, tmp_path):
        path = tmp_path / "sagittal.nii"
        nibabel.save(nibabel.Nifti1Image(np.ones((1, 16, 12)), np.eye(4)), path)
        with pytest.raises(InputError, match="slices of 16x1 pixels: slices are the third axis"):
            magnitudes(path)

    def test_voxels_that_are_nowhere(self, tmp_path):
        """Which would fail when everything is reconstructed."""
        path = tmp_path / "a.nii"
        nibabel.save(nibabel.Nifti1Image(np.ones((4, 5, 6)), np.eye(4)), path)
        content = bytearray(path.read_bytes())
        content[280:284] = np.float32(np.nan).tobytes()  # srow_x of the header
        path.write_bytes(content)
        with pytest.raises(InputError, match="its header does not say where the voxels are"):
            magnitudes(path)

    def test_nifti_with_a_fourth_axis(self, tmp_path, images):
        path = tmp_path / "a.nii.gz"
        nibabel.save(nibabel.Nifti1Image(images.T[..., np.newaxis], np.eye(4)), path)
        np.testing.assert_allclose(magnitudes(path), images, rtol=1e-6)

    def test_one_image(self, save, images):
        np.testing.assert_allclose(magnitudes(save("a.npy", images[0])), images[:1], rtol=1e-6)
        path = save("a.h5", image=images[0])
        np.testing.assert_allclose(magnitudes(path), images[:1], rtol=1e-6)

    @pytest.mark.parametrize("coils", [(), (1,), (4,)])
    def test_kspace_of_coils(self, save, coils):
        draw = np.random.default_rng(0).normal(size=(2, 3, *coils, 12, 7))
        coil_images = 3 + draw[0] + 1j * draw[1]
        kspace = centered_kspace(coil_images).astype(np.complex64)
        path = save("a.h5", kspace=kspace, reconstruction_rss=np.zeros((3, 12, 7)))
        with open_volume(path) as volume:
            assert isinstance(volume, KspaceVolume)
            assert volume.num_coils == (coils or (1,))[0]
        expected = np.linalg.norm(coil_images.reshape(3, -1, 12, 7), axis=1)
        np.testing.assert_allclose(magnitudes(path), expected, rtol=1e-4)
        np.testing.assert_array_equal(magnitudes(save("a.npy", kspace)), magnitudes(path))

    @pytest.mark.parametrize("kind", ["images", "complex", "pairs", "nifti", "kspace", "both"])
    def test_a_file_means_the_same_in_training(self, save, images, kind):
        """What `--source folder` trains on is what `kdmri reconstruct` sees."""
        kspace = centered_kspace(images)
        unshifted = np.fft.ifftshift(kspace, axes=(-2, -1))
        write = {
            "images": lambda: save("a.npy", images),
            "complex": lambda: save("a.npy", kspace),
            "pairs": lambda: save("a.npy", np.stack([unshifted.real, unshifted.imag], axis=-1)),
            "nifti": lambda: save("a.nii.gz", images),
            "kspace": lambda: save("a.h5", kspace=kspace),
            "both": lambda: save("a.h5", kspace=kspace, image=images[:, :5]),
        }
        path = write[kind]()
        np.testing.assert_array_equal(READERS["".join(path.suffixes)](path), magnitudes(path))

    def test_hdf5_images_in_the_order_of_the_data_sets(self, save, images):
        path = save("a.h5", reconstruction_rss=images, reconstruction_esc=2 * images)
        np.testing.assert_allclose(magnitudes(path), 2 * images, rtol=1e-6)

    @pytest.mark.parametrize("size", [(12, 8), (13, 7)])
    def test_kspace_of_both_conventions(self, save, size):
        image = np.random.default_rng(0).uniform(1, 2, (2, *size))
        mask = np.zeros(size, bool)
        mask[[0, 2, -1]] = True
        unshifted = np.fft.fft2(image, norm="ortho")
        pairs = np.stack([unshifted.real, unshifted.imag], axis=-1)
        for kspace, measured in (
            (centered_kspace(image), np.fft.fftshift(mask)),
            (pairs, mask[..., np.newaxis]),
        ):
            with open_volume(save("a.npy", kspace)) as volume:
                np.testing.assert_allclose(volume.coil_images(1)[0], image[1], atol=1e-12)
            with open_volume(save("a.npy", kspace * measured)) as volume:
                np.testing.assert_array_equal(volume.samples(1), mask)

    def test_reads_no_more_than_it_is_asked_for(self, save, images):
        images[2, 2, 3] = np.nan
        with open_volume(save("a.npy", images)) as volume:
            volume.magnitude(0)
            with pytest.raises(InputError, match=r"a\.npy contains NaN or infinity in slice 2 "):
                volume.magnitude(2)
            volume.magnitude(1)

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("a.npy", np.zeros((2, 3, 4, 5)), r"'array' has shape \(2, 3, 4, 5\).*height, width"),
            ("a.npy", np.zeros((2, 0, 4)), "'array' is empty"),
            ("a.npy", np.zeros((4, 6, 2)), r"k-space of one slice needs an axis for slices as w"),
            ("a.npy", np.array(["a"] * 4).reshape(2, 2), "holds <U1 values instead of numbers"),
            (
                "a.npy",
                np.zeros(5, np.complex64),
                r"shape \(5,\), but must be \(\[slices, \[coils,",
            ),
            ("a.h5", {"kspace": np.zeros((2, 4, 4))}, "'kspace' is float64, but must be complex"),
            ("a.h5", {"mask": np.zeros(4)}, r"none of the datasets kspace, image.*it has: mask"),
        ],
    )
    def test_contents_that_are_no_volume(self, save, name, content, message):
        path = save(name, **content) if isinstance(content, dict) else save(name, content)
        with pytest.raises(InputError, match=message), open_volume(path):
            pass

    def test_nifti_of_many_frames(self, tmp_path):
        path = tmp_path / "a.nii"
        nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 2, 3)), np.eye(4)), path)
        message = r"shape \(4, 4, 2, 3\), but must be a 3-D"
        with pytest.raises(InputError, match=message), open_volume(path):
            pass

    @pytest.mark.parametrize("name", ["a.npy", "a.h5", "a.nii", "a.nii.gz"])
    def test_damaged_files(self, tmp_path, name):
        (tmp_path / name).write_bytes(b"\x1f\x8b no volume")
        reason = r"it is no \.npy file" if name == "a.npy" else "[A-Z].*"
        message = rf"{name} cannot be read \({reason}\)\.$"
        with pytest.raises(InputError, match=message), open_volume(tmp_path / name):
            pass

    @pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.npy"])
    def test_file_that_ends_early(self, save, images, name):
        """It is refused at once, not when its last slice is asked for."""
        path = save(name, np.repeat(images, 50, axis=0))
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(InputError, match=f"{name} cannot be read"):
            open_volume(path).__enter__()

    def test_no_volume(self, tmp_path):
        with pytest.raises(InputError, match=r"no file .*a\.nii; give a volume"):
            open_volume(tmp_path / "a.nii").__enter__()
        (tmp_path / "a.tif").touch()
        with pytest.raises(InputError, match=r"a\.tif has an unknown suffix; use one of \.nii,"):
            open_volume(tmp_path / "a.tif").__enter__()


class TestGrid:
    @pytest.mark.parametrize("as_bytes", [False, True])
    def test_voxels_of_fastmri(self, as_bytes):
        header = HEADER.format(16, 8, 8, 12)
        header = header.encode() if as_bytes else header
        # x of the header runs along H, which is y of NIfTI.
        encoded = grid_of_fastmri(header, (16, 8)).affine
        np.testing.assert_allclose(np.diag(encoded), [-1.5, -0.5, 5, 1])
        cropped = grid_of_fastmri(header, (8, 8)).affine
        np.testing.assert_allclose(np.diag(cropped), [-3, -2, 5, 1])

    @pytest.mark.parametrize("header", [None, b"", "<open", "<a/>", HEADER.format(0, "", "nan", 1)])
    def test_unknown_voxels_are_cubes(self, header):
        header = header and header.replace("<x>16</x>", "") if isinstance(header, str) else header
        affine = grid_of_fastmri(header, (16, 8)).affine
        np.testing.assert_allclose(np.abs(np.diag(affine)), 1)

    @pytest.mark.parametrize("side", ["1e300", "1e-60"])
    def test_voxels_that_float32_cannot_hold_are_cubes(self, side):
        affine = grid_of_fastmri(HEADER.format(16, 8, side, side), (16, 8)).affine
        np.testing.assert_allclose(np.diag(affine), [-3, -2, 5, 1])  # those of reconSpace
        header = HEADER.format(16, 8, side, side).partition("<reconSpace>")[0]
        affine = grid_of_fastmri(header + "</encoding></ismrmrdHeader>", (16, 8)).affine
        np.testing.assert_allclose(np.diag(affine), [-1, -1, 1, 1])

    @pytest.mark.parametrize("kind", ["ismrmrd", "text", "fixed", "extendable", "padded"])
    def test_headers_as_they_are_stored(self, tmp_path, kind):
        """By ISMRMRD's library: shape (1,), a string of variable length."""
        header = HEADER.format(12, 7, 24, 14).replace("<z>5</z>", "<z>4.5</z>")
        text = h5py.string_dtype()
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["image"] = np.ones((3, 12, 7))
            if kind == "ismrmrd":
                file.create_dataset("ismrmrd_header", data=[header], dtype=text)
            elif kind == "extendable":
                file.create_dataset("ismrmrd_header", (1,), text, maxshape=(None,))[0] = header
            elif kind == "text":
                file["ismrmrd_header"] = header
            else:
                length = len(header) + 40 * (kind == "padded")
                file["ismrmrd_header"] = np.array([header.encode()], f"S{length}")
        with open_volume(tmp_path / "a.h5") as volume:
            np.testing.assert_allclose(np.diag(volume.grid.affine), [-2, -2, 4.5, 1])

    @pytest.mark.parametrize("kind", ["bytes", "empty", "null", "group", "two", "number", "link"])
    def test_headers_that_say_nothing(self, tmp_path, kind):
        """Cubes of 1 mm, as documented, instead of a refusal."""
        header = HEADER.format(12, 7, 24, 14)
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["image"] = np.ones((3, 12, 7))
            if kind == "group":
                file.create_group("ismrmrd_header")
            elif kind == "link":
                file["ismrmrd_header"] = h5py.ExternalLink("missing.h5", "ismrmrd_header")
            else:
                file["ismrmrd_header"] = {
                    "bytes": np.frombuffer(header.encode(), np.uint8),
                    "empty": np.zeros(0, h5py.string_dtype()),
                    "null": h5py.Empty(h5py.string_dtype()),
                    "two": np.array([header, header], h5py.string_dtype()),
                    "number": 3.5,
                }[kind]
        with open_volume(tmp_path / "a.h5") as volume:
            np.testing.assert_allclose(np.diag(volume.grid.affine), [-1, -1, 1, 1])

    def test_orientation(self):
        assert VoxelGrid(np.eye(4)).first_row_is_lowest
        assert not VoxelGrid.of_voxels().first_row_is_lowest
