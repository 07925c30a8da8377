"""Raw k-space as it is prepared: coils compressed, resized, scaled, and refused where it is bad."""

import logging

import numpy as np
import pytest
import tensorflow_datasets as tfds
from raw_data import centered_kspace, complex_images, write_hdf5

from kdmri_tf.errors import InputError
from tfds_builders.prepare import prepare
from tfds_builders.slices import center_crop_or_pad
from tfds_builders.sources import resolve_source

tfds.disable_progress_bar()

SIZE = (16, 12)


def read_kspace(builder, split):
    """[(volume, slice, complex k-space (coils, H, W))] in the order of the records."""
    examples = builder.as_dataset(split=split).as_numpy_iterator()
    return [
        (e["volume"].decode(), int(e["slice"]), e["kspace"][..., 0] + 1j * e["kspace"][..., 1])
        for e in examples
    ]


def root_sum_of_squares(images):
    return np.linalg.norm(images, axis=-3)


@pytest.fixture
def coils():
    """Images of three volumes (slices, coils, H, W), larger than what is stored."""
    rng = np.random.default_rng(0)
    return {name: 50 * complex_images(rng, (2, 4, 24, 15)) for name in ("a", "b", "c")}


@pytest.fixture
def manual_dir(tmp_path, coils):
    for name, split in (("a", "train"), ("b", "train"), ("c", "val")):
        path = tmp_path / f"raw/brain/fastmri_multicoil/multicoil_{split}/{name}.h5"
        write_hdf5(path, kspace=centered_kspace(coils[name]))
    return tmp_path / "raw"


def test_as_many_coils_as_there_are(tmp_path, manual_dir, coils):
    """They are left as they are, but for size and scale."""
    builder = prepare("brain", "fastmri_multicoil", manual_dir, tmp_path / "out", SIZE, coils=4)
    assert builder.info.full_name == "brain/fastmri_multicoil_16x12_coils4/1.0.2"
    assert set(builder.info.features) == {"kspace", "volume", "slice"}
    assert builder.info.features["kspace"].shape == (4, *SIZE, 2)
    assert builder.info.features["kspace"].dtype == np.float32
    found = read_kspace(builder, "train")
    assert [example[:2] for example in found] == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    for name in "ab":
        images = center_crop_or_pad(coils[name], SIZE)
        images = images / root_sum_of_squares(images).max()
        kspace = np.stack([kspace for volume, _, kspace in found if volume == name])
        np.testing.assert_allclose(kspace, np.fft.fft2(images, norm="ortho"), atol=1e-5)
    metadata = builder.info.metadata
    assert metadata["coils"] == 4
    assert metadata["splits"]["train"]["patients"] == {"a": "a", "b": "b"}
    assert len(metadata["raw_files"]) == 3
    prepare("brain", "fastmri_multicoil", None, tmp_path / "out", SIZE, coils=4)


def test_virtual_coils(tmp_path, manual_dir, coils, caplog):
    with caplog.at_level(logging.INFO, "tfds_builders"):
        builder = prepare(
            "brain", "fastmri_multicoil", manual_dir, tmp_path / "out", (30, 20), coils=2
        )
    (_, _, first), (_, _, second) = read_kspace(builder, "validation")
    images = np.fft.ifft2(np.stack([first, second]), norm="ortho")
    assert root_sum_of_squares(images).max() == pytest.approx(1, rel=1e-6)
    energies = np.square(np.abs(images)).sum(axis=(0, 2, 3))
    assert energies[0] > energies[1]
    assert abs(images[:, :, :3]).max() < 1e-6  # padded with zeros
    shares = builder.info.metadata["energy_shares"]
    assert 0.5 < shares["c"] < 1
    assert "Stored: fully sampled k-space, float32 (2, 30, 20, 2), 0.0 MB a slice" in caplog.text
    assert f"keep {min(shares.values()):.1%} of the energy" in caplog.text


def test_without_coils_magnitudes_as_ever(tmp_path, manual_dir, coils):
    builder = prepare("brain", "fastmri_multicoil", manual_dir, tmp_path / "out", SIZE)
    (example, *_) = builder.as_dataset(split="validation").as_numpy_iterator()
    image = center_crop_or_pad(root_sum_of_squares(coils["c"])[0], SIZE)
    np.testing.assert_allclose(example["image"][..., 0], image / image.max(), rtol=1e-4)


def test_own_files(tmp_path, coils):
    for split, name in (("train", "a"), ("validation", "b")):
        path = tmp_path / f"raw/knee/folder_kspace/{split}/{name}.npy"
        path.parent.mkdir(parents=True)
        np.save(path, centered_kspace(coils[name]))
    assert resolve_source("knee", "auto", tmp_path / "raw", coils=4) == "folder_kspace"
    builder = prepare("knee", "auto", tmp_path / "raw", tmp_path / "out", SIZE, coils=1)
    assert len(read_kspace(builder, "train")) == 2
    with pytest.raises(ValueError, match="folder_coils2 not found"):
        type(builder)(config="folder_coils2", data_dir=tmp_path)


class TestRefused:
    def refused(self, tmp_path, manual_dir, message, **arguments):
        arguments = {"source": "fastmri_multicoil", "coils": 4, **arguments}
        with pytest.raises(InputError, match=message):
            prepare(
                "brain",
                manual_dir=manual_dir,
                data_dir=tmp_path / "out",
                image_size=SIZE,
                **arguments,
            )

    @pytest.mark.parametrize("number", [0, 257, 2.5, "many"])
    def test_no_number_of_coils(self, tmp_path, number):
        self.refused(tmp_path, None, "coils must be 1 to 256, not ", coils=number)

    def test_sources_of_images(self, tmp_path):
        message = r"brain/synthetic has images, .* choose a source that has \(fastmri_multicoil, f"
        self.refused(tmp_path, None, message, source="synthetic")

    def test_fewer_coils_than_asked_for(self, tmp_path, manual_dir, coils, caplog):
        path = manual_dir / "brain/fastmri_multicoil/multicoil_train/b.h5"
        write_hdf5(path, kspace=centered_kspace(coils["b"][:, :3]))
        message = r"b\.h5 has k-space of 3 coils, fewer than the 4 that are asked for: ask for 3 "
        self.refused(tmp_path, manual_dir, message)
        arguments = "brain", "fastmri_multicoil", manual_dir, tmp_path / "out", SIZE
        builder = prepare(*arguments, coils=4, skip_unreadable=True)
        assert {name for name, _, _ in read_kspace(builder, "train")} == {"a"}
        assert "Skipped: " in caplog.text

    @pytest.mark.parametrize(
        ("damage", "message"),
        [
            (np.nan, r"b\.h5 contains NaN or infinity in slice 1 of coil 2 \(the first is 0\)"),
            (0, r"b\.h5: coil 2 of slice 1 is empty, all its samples are 0; leave"),
        ],
    )
    def test_a_coil_that_is_damaged(self, tmp_path, manual_dir, coils, damage, message):
        kspace = centered_kspace(coils["b"])
        kspace[1, 2] = damage
        path = manual_dir / "brain/fastmri_multicoil/multicoil_train/b.h5"
        write_hdf5(path, kspace=kspace)
        self.refused(tmp_path, manual_dir, message)

    def test_undersampled(self, tmp_path, manual_dir, coils):
        kspace = centered_kspace(coils["c"])
        kspace[..., ::2] = 0
        write_hdf5(manual_dir / "brain/fastmri_multicoil/multicoil_val/c.h5", kspace=kspace)
        self.refused(tmp_path, manual_dir, r"c\.h5: slice 0 \(the first is 0\) is undersampled")
