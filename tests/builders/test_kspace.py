"""Raw k-space as it is prepared: coils compressed, resized, scaled, and refused where it is bad."""

import logging

import numpy as np
import pytest
import raw_formats
import tensorflow_datasets as tfds
from raw_data import (
    centered_kspace,
    complex_images,
    touch,
    write_hdf5,
    write_mat5,
    write_mat73,
)

from kdmri_tf.errors import InputError
from tfds_builders.prepare import prepare
from tfds_builders.readers.calgary_campinas import open_multi_channel, read_multi_channel
from tfds_builders.slices import center_crop_or_pad
from tfds_builders.sources import find_volumes, resolve_source

tfds.disable_progress_bar()

SIZE = (16, 12)
NAMES = ("cine_sax", "cine_lax")


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
    assert builder.info.full_name == "brain/fastmri_multicoil_16x12_coils4/1.0.3"
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
    facts = builder.info.metadata["kspace"]
    assert facts["c"]["coils"] == 4
    assert facts["c"]["size"] == facts["c"]["cropped"] == [24, 15]
    assert 0.5 < facts["c"]["energy_share"] < 1
    share = min(facts[name]["energy_share"] for name in "abc")
    assert (
        "Stored: fully sampled k-space, float32 (2, 30, 20, 2), 0.0 MB a slice; read: 4 coils, "
        f"24x15; kept: {share:.1%} of energy."
    ) in caplog.text


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


class TestSources:
    """Every source of raw k-space, read as its people publish it."""

    @pytest.fixture
    def check(self, tmp_path, coils):
        """Prepares a source and compares its slices, of all coils, with images (..., H, W)."""

        def check(dataset, source, split, images, first=0):
            raw = tmp_path / "raw"
            builder = prepare(dataset, source, raw, tmp_path / "out", SIZE, coils=images.shape[1])
            found = read_kspace(builder, split)
            expected = center_crop_or_pad(images, SIZE)
            expected = expected / root_sum_of_squares(expected).max()
            assert [index for _, index, _ in found] == list(range(first, first + len(images)))
            kspace = np.stack([kspace for _, _, kspace in found])
            np.testing.assert_allclose(kspace, np.fft.fft2(expected, norm="ortho"), atol=2e-5)
            return found[0][0]

        return check

    @pytest.mark.parametrize("write", [write_mat5, write_mat73])
    def test_hammernik(self, tmp_path, coils, check, write):
        """A file a slice, with its phase; the scale is that of the patient."""
        for patient, name in ((1, "a"), (11, "b")):
            for index, images in enumerate(coils[name]):
                place = (
                    tmp_path / f"raw/knee/hammernik/coronal_pd/{patient}/rawdata{11 + index}.mat"
                )
                place.parent.mkdir(parents=True, exist_ok=True)
                write(place, np.moveaxis(centered_kspace(images), 0, 2))
        assert check("knee", "hammernik", "train", coils["a"], first=11) == "patient01"

    def test_cmrxrecon(self, tmp_path, coils, check):
        """Frames are slices; the readout is oversampled."""
        place = "raw/cardiac/cmrxrecon/MultiCoil/Cine/TrainingSet/FullSample"
        for patient, name in (("P001", "a"), ("P002", "b")):
            padded = np.pad(coils[name], [(0, 0), (0, 0), (12, 12), (0, 0)])
            kspace = centered_kspace(padded).transpose(2, 3, 1, 0)[:, :, :, np.newaxis]
            path = tmp_path / place / patient / "cine_sax.mat"
            path.parent.mkdir(parents=True)
            raw_formats.write_mat73(path, kspace_full=kspace)
        assert check("cardiac", "cmrxrecon", "train", coils["a"]) == "P001"
        check("cardiac", "cmrxrecon", "validation", coils["b"])

    def test_calgary_multi_channel(self, tmp_path, coils, check):
        for split, name in (("Train", "a"), ("Val", "b")):
            kspace = np.moveaxis(np.fft.fft2(coils[name]), 1, -1)
            parts = np.stack([kspace.real, kspace.imag], axis=-1).reshape(2, 24, 15, 8)
            folder = tmp_path / "raw/calgary/mc/Raw-data/Multi-channel/12-channel" / split
            write_hdf5(folder / f"{name}.h5", kspace=parts.astype(np.float32))
        assert check("calgary", "mc", "train", coils["a"]) == "a"

    def test_calgary_single_channel(self, tmp_path, coils, check):
        for split, name in (("Train", "a"), ("Val", "b")):
            kspace = np.fft.fft2(coils[name][:, 0])
            folder = tmp_path / "raw/calgary/sc/Raw-data/SC" / split
            folder.mkdir(parents=True)
            pairs = np.stack([kspace.real, kspace.imag], axis=-1).astype(np.float32)
            np.save(folder / f"{name}.npy", pairs)
        check("calgary", "sc", "train", coils["a"][:, :1])

    def test_bart(self, tmp_path, coils, check):
        for split, name in (("train", "a"), ("validation", "b")):
            folder = tmp_path / "raw/brain/folder_kspace" / split
            folder.mkdir(parents=True)
            stored = centered_kspace(coils[name]).transpose(2, 3, 1, 0)
            stored = stored.reshape(24, 15, 1, 4, *[1] * 9, 2)
            raw_formats.write_bart(folder / f"{name}.cfl", stored.shape, stored)
        check("brain", "folder_kspace", "validation", coils["b"])


def test_multi_channel_files_that_are_none(tmp_path):
    for content, message in [
        ({"image": np.ones((2, 8, 8))}, "has no dataset 'kspace'"),
        ({"kspace": np.ones((2, 8, 8, 3))}, r"floats \(slices, height, width, 2 channels\) are ne"),
        ({"kspace": np.ones((2, 8, 8, 4), complex)}, "real and imaginary parts in turn"),
    ]:
        path = write_hdf5(tmp_path / "a.h5", **content)
        with pytest.raises(InputError, match=message), open_multi_channel(path):
            pass
        with pytest.raises(InputError, match="Replace the file, or leave it out"):
            read_multi_channel(path)


def test_cmrxrecon_needs_two_patients(tmp_path):
    folder = tmp_path / "cardiac/cmrxrecon/MultiCoil/Cine/TrainingSet/FullSample"
    touch(folder, "Center005/Vida/P003/cine_sax.mat")
    with pytest.raises(InputError, match=r"Only one patient is in .* add at least one more"):
        find_volumes("cardiac", "cmrxrecon", tmp_path)
    touch(folder, *(f"P{number:03}/{name}.mat" for number in range(12) for name in NAMES))
    splits = find_volumes("cardiac", "cmrxrecon", tmp_path)
    assert [volume.name for volume in splits["validation"]] == ["P010", "P011"]
    assert splits["train"][0].name == "Center005_Vida_P003"
