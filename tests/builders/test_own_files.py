"""Files of the user's own, to train on: images or k-space, and what is refused."""

import numpy as np
import pytest
from raw_data import centered_kspace, complex_images, write_hdf5
from raw_formats import write_bart, write_dicom

from kdmri_tf.errors import InputError
from tfds_builders.fingerprint import describe_changes, fingerprint
from tfds_builders.readers.any_volume import READERS, read_volume
from tfds_builders.sources import find_volumes


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5, 7), (3, 5, 7)])
def test_real_npy_is_images(tmp_path, rng, shape, dtype):
    images = (1000 * rng.uniform(-0.04, 1, size=shape)).astype(dtype)
    np.save(tmp_path / "a.npy", images)
    result = read_volume(tmp_path / "a.npy")
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, np.abs(images.reshape(-1, 5, 7)), rtol=1e-6)


@pytest.mark.parametrize("shape", [(5, 7), (3, 5, 7), (3, 4, 5, 7)])
def test_complex_npy_is_kspace_as_it_is_in_hdf5(tmp_path, rng, shape):
    coils = complex_images(rng, shape)
    np.save(tmp_path / "a.npy", centered_kspace(coils))
    write_hdf5(tmp_path / "a.h5", kspace=centered_kspace(coils))
    expected = np.abs(coils).reshape(-1, shape[1] if len(shape) == 4 else 1, 5, 7)
    for name in ("a.npy", "a.h5"):
        result = read_volume(tmp_path / name)
        np.testing.assert_allclose(result, np.linalg.norm(expected, axis=1), rtol=1e-4)


def test_npy_of_pairs_is_unshifted_kspace(tmp_path, rng):
    images = complex_images(rng, (3, 5, 7))
    kspace = np.fft.fft2(images, norm="ortho")
    np.save(tmp_path / "a.npy", np.stack([kspace.real, kspace.imag], axis=-1))
    result = read_volume(tmp_path / "a.npy")
    np.testing.assert_allclose(result, np.abs(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["image", "reconstruction_esc", "reconstruction_rss"])
def test_hdf5_with_images_alone(tmp_path, rng, name):
    images = rng.random((2, 5, 7), np.float32)
    path = write_hdf5(tmp_path / "a.h5", **{name: images})
    np.testing.assert_array_equal(read_volume(path), images)


def test_hdf5_prefers_kspace_to_images(tmp_path, rng):
    images = complex_images(rng, (2, 5, 7))
    path = write_hdf5(tmp_path / "a.h5", image=np.ones((2, 5, 7)), kspace=centered_kspace(images))
    np.testing.assert_allclose(read_volume(path), np.abs(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("suffix", [".npy", ".h5"])
def test_undersampled_kspace_is_nothing_to_train_on(tmp_path, rng, suffix):
    kspace = centered_kspace(complex_images(rng, (2, 12, 8)))
    kspace[1, 1:-1:2] = 0
    path = tmp_path / f"a{suffix}"
    np.save(path, kspace) if suffix == ".npy" else write_hdf5(path, kspace=kspace)
    message = r"slice 1 .* is undersampled, 42% of its samples .* are 0, .*skip_unreadable"
    with pytest.raises(InputError, match=message):
        READERS[suffix](path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones((2, 3, 4, 5)), r"has shape \(2, 3, 4, 5\), but must be .*skip_unreadable"),
        (np.ones((0, 4, 4)), "is empty"),
        (np.array([["a"]]), "instead of numbers"),
        (np.full((4, 4), 1e300), "NaN or infinity"),
        (np.full((4, 4), 1e300 + 0j), "NaN or infinity"),
    ],
)
def test_npy_refuses(tmp_path, values, message):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(InputError, match=message):
        read_volume(tmp_path / "a.npy")


def test_npy_runs_no_pickled_code(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"an": "object"}]), allow_pickle=True)
    with pytest.raises(InputError, match=r"a\.npy cannot be read"):
        read_volume(tmp_path / "a.npy")


def test_hdf5_refuses_a_file_with_neither(tmp_path):
    with pytest.raises(InputError, match=r"none of the datasets kspace, .*\(it has: nothing\)"):
        read_volume(write_hdf5(tmp_path / "a.h5"))


def test_folders_of_dicom_series(tmp_path, rng):
    """Each is a patient, behind those of the files."""
    images = rng.integers(1, 1000, (2, 6, 8))
    for split in ("train", "validation"):
        for index, image in enumerate(images):
            position = (-index, 0, 0)
            place = tmp_path / f"brain/folder/{split}/{split}1/{index}.dcm"
            place.parent.mkdir(parents=True, exist_ok=True)
            write_dicom(place, image, position, "1.2.3")
    np.save(tmp_path / "brain/folder/train/z.npy", images)
    (tmp_path / "brain/folder/train/notes").mkdir()
    volumes = find_volumes("brain", "folder", tmp_path)["train"]
    assert [volume.name for volume in volumes] == ["z", "train1"]
    assert [path.name for path in volumes[1].files] == ["0.dcm", "1.dcm"]
    np.testing.assert_allclose(volumes[1].readers[0](), 2 * images - 1)


def test_the_header_of_bart_is_a_raw_file_as_well(tmp_path):
    """It says which axis is which: another one makes another volume of the same samples."""
    for split in ("train", "validation"):
        folder = tmp_path / "brain" / "folder_kspace" / split
        folder.mkdir(parents=True)
        write_bart(folder / f"{split}.cfl", (12, 10, 3, 1))
    splits = find_volumes("brain", "folder_kspace", tmp_path)
    before = fingerprint(splits, tmp_path)
    assert describe_changes(before, splits, tmp_path) == ""
    write_bart(folder / "validation.cfl", (12, 10, 1, 3))
    changes = describe_changes(before, splits, tmp_path)
    assert changes == "1 modified (such as brain/folder_kspace/validation/validation.hdr)"
