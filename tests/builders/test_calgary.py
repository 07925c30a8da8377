"""Calgary-Campinas: raw k-space read in the official layout, and refused where it is damaged."""

import numpy as np
import pytest
import tensorflow_datasets as tfds
from raw_data import SIZE, assert_same, complex_images, expected_slices, read_back

from kdmri_tf import load_data, load_super_resolution
from kdmri_tf.errors import InputError
from kdmri_tf.phantoms.phantom_volume import phantom_volume
from tfds_builders.prepare import prepare
from tfds_builders.readers.calgary_campinas import read_single_channel
from tfds_builders.sources import find_volumes, resolve_source

tfds.disable_progress_bar()


def write_volume(path, images):
    """Write complex images (slices, H, W) as a raw file: uncentred k-space, real and imaginary."""
    kspace = np.fft.fft2(images)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.stack([kspace.real, kspace.imag], axis=-1).astype(np.float32))
    return path


def write_set(manual_dir, rng, num_slices=2):
    """Two volumes to train on and one to validate, in the official layout."""
    images = {
        name: complex_images(rng, (num_slices, *SIZE)) for name in ("Train/b", "Train/a", "Val/c")
    }
    for name, volume in images.items():
        write_volume(manual_dir / f"calgary/sc/Raw-data/SC/{name}.npy", volume)
    return images


class TestReading:
    @pytest.mark.parametrize("shape", [(3, 16, 12), (2, 9, 7)])
    def test_magnitude_of_uncentred_kspace(self, tmp_path, rng, shape):
        images = complex_images(rng, shape)
        found = read_single_channel(write_volume(tmp_path / "a.npy", images))
        assert found.dtype == np.float32
        np.testing.assert_allclose(
            found / found.max(), np.abs(images) / np.abs(images).max(), atol=1e-6
        )

    def test_refuses_undersampled_kspace(self, tmp_path, rng):
        path = write_volume(tmp_path / "a.npy", complex_images(rng, (113, 16, 12)))
        kspace = np.load(path)
        kspace[5, 1::2] = 0
        np.save(path, kspace)
        with pytest.raises(InputError, match=r"a\.npy: slice 5 .* is undersampled, 4.% of its"):
            read_single_channel(path)

    @pytest.mark.parametrize(
        ("num_slices", "first", "count"), [(110, 0, 110), (113, 1, 110), (170, 30, 110), (4, 0, 4)]
    )
    def test_centre_slices(self, tmp_path, num_slices, first, count):
        """Slice k is a constant image of brightness k + 1."""
        images = np.ones((num_slices, 2, 2)) * np.arange(1, num_slices + 1)[:, None, None]
        found = read_single_channel(write_volume(tmp_path / "a.npy", images))
        brightness = found[:, 0, 0] / found[0, 0, 0] * (first + 1)
        np.testing.assert_allclose(brightness, np.arange(first + 1, first + count + 1), rtol=1e-5)

    def test_slices_that_are_left_out_are_not_looked_at(self, tmp_path):
        images = np.ones((130, 2, 2), complex)
        path = write_volume(tmp_path / "a.npy", images)
        kspace = np.load(path)
        kspace[[0, 9, 120, 129]] = np.nan
        np.save(path, kspace)
        assert read_single_channel(path).shape == (110, 2, 2)

    @pytest.mark.parametrize(
        ("kspace", "found"),
        [
            (np.ones((2, 4, 4, 2)), r"float64 of shape \(2, 4, 4, 2\)"),
            (np.ones((2, 4, 4), np.complex64), r"complex64 of shape \(2, 4, 4\)"),
            (np.ones((2, 4, 4), np.float32), r"float32 of shape \(2, 4, 4\)"),
            (np.ones((2, 4, 4, 12), np.float32), r"float32 of shape \(2, 4, 4, 12\)"),
        ],
    )
    def test_refuses_other_dtypes_and_shapes(self, tmp_path, kspace, found):
        np.save(tmp_path / "a.npy", kspace)
        message = rf"a\.npy is {found}, but float32 \(slices, height, width, 2\) is needed"
        with pytest.raises(InputError, match=message):
            read_single_channel(tmp_path / "a.npy")

    def test_refuses_no_slices(self, tmp_path):
        np.save(tmp_path / "a.npy", np.ones((0, 4, 4, 2), np.float32))
        with pytest.raises(InputError, match=r"a\.npy (is empty|cannot be read)"):
            read_single_channel(tmp_path / "a.npy")

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_refuses_nan_and_infinity(self, tmp_path, bad):
        kspace = np.ones((3, 4, 4, 2), np.float32)
        kspace[1, 2, 3, 0] = bad
        np.save(tmp_path / "a.npy", kspace)
        with pytest.raises(InputError, match=r"a\.npy contains NaN or infinity"):
            read_single_channel(tmp_path / "a.npy")

    @pytest.mark.parametrize("keep", [0, 50, 2000])
    def test_refuses_a_truncated_file(self, tmp_path, rng, keep):
        path = write_volume(tmp_path / "a.npy", complex_images(rng, (3, 16, 12)))
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(InputError, match=r"a\.npy cannot be read .*skip_unreadable"):
            read_single_channel(path)

    def test_refuses_an_archive(self, tmp_path):
        with open(tmp_path / "a.npy", "wb") as file:
            np.savez(file, kspace=np.ones(3))
        with pytest.raises(InputError, match=r"a\.npy cannot be read"):
            read_single_channel(tmp_path / "a.npy")


class TestDataSet:
    def test_official_split(self, tmp_path, rng):
        write_set(tmp_path, rng)
        (tmp_path / "calgary/sc/Raw-data/SC/Train/._a.npy").touch()
        (tmp_path / "calgary/sc/Raw-data/SC/Train/notes.txt").touch()
        assert resolve_source("calgary", "auto", tmp_path) == "sc"
        splits = find_volumes("calgary", "sc", tmp_path)
        names = {split: [volume.name for volume in volumes] for split, volumes in splits.items()}
        assert names == {"train": ["a", "b"], "validation": ["c"]}

    def test_prepared_slices(self, tmp_path, rng):
        images = {name: np.abs(volume) for name, volume in write_set(tmp_path, rng).items()}
        builder = prepare("calgary", "auto", tmp_path, tmp_path / "prepared", SIZE)
        assert builder.info.full_name == "calgary/sc_16x12/1.0.3"
        train = expected_slices("a", images["Train/a"]) + expected_slices("b", images["Train/b"])
        assert_same(read_back(builder, "train"), train)
        assert_same(read_back(builder, "validation"), expected_slices("c", images["Val/c"]))

    def test_numpy_opens_no_files_by_itself(self, tmp_path, rng, monkeypatch):
        """Which TFDS' own test of builders forbids."""
        write_set(tmp_path, rng)
        monkeypatch.setattr(np, "load", None)
        builder = prepare("calgary", "sc", tmp_path, tmp_path / "prepared", SIZE)
        assert builder.info.splits["train"].num_examples == 4

    def test_damaged_volumes_can_be_skipped(self, tmp_path, rng):
        write_set(tmp_path, rng)
        path = tmp_path / "calgary/sc/Raw-data/SC/Train/b.npy"
        path.write_bytes(path.read_bytes()[:-40])
        arguments = "calgary", "sc", tmp_path, tmp_path / "prepared", SIZE
        with pytest.raises(InputError, match=r"b\.npy cannot be read"):
            prepare(*arguments)
        builder = prepare(*arguments, skip_unreadable=True)
        assert {name for name, _, _ in read_back(builder, "train")} == {"a"}

    def test_synthetic_brains(self, tmp_path):
        builder = prepare("calgary", "synthetic", None, tmp_path, (40, 36))
        assert len(read_back(builder, "train")) == 24
        name, index, image = read_back(builder, "validation")[0]
        assert (name, index) == ("phantom2000", 0)
        expected = phantom_volume("brain", (40, 36), 1, seed=2000)[0]
        np.testing.assert_allclose(image, expected / expected.max(), rtol=1e-6)

    def test_both_tasks(self, tmp_path, rng):
        """The same prepared slices, at low resolution and undersampled along axis 0."""
        write_set(tmp_path, rng)
        where = {"manual_dir": tmp_path, "data_dir": tmp_path / "prepared", "image_size": SIZE}
        inputs, image = next(iter(load_super_resolution("calgary", 2, **where).batches("train")))
        assert inputs["low_resolution"].shape == image.shape == (4, *SIZE, 1)
        data = load_data("calgary", 1.4, **where)
        assert (data.mask == data.mask[:, :1]).all()
        assert data.mask[:, 0].sum() == 11
