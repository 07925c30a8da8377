"""The builders on real files, where the checkout has some beside it."""

import h5py
import nibabel
import numpy as np
import pytest
import tensorflow_datasets as tfds
from raw_data import assert_same, expected_slices, read_back
from shared_files import SHARED

from kdmri_tf import evaluate, load_data
from tfds_builders.prepare import prepare
from tfds_builders.slices import center_crop_or_pad
from tfds_builders.sources import find_volumes

SHARED_DATA = SHARED / "data"

pytestmark = pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="needs the shared data")
tfds.disable_progress_bar()


def test_acdc_counts():
    splits = find_volumes("cardiac", "acdc", SHARED_DATA)
    counts = {
        split: (
            sum(nibabel.load(volume.files[0]).shape[2] for volume in volumes),
            len(volumes),
            len({volume.patient for volume in volumes}),
        )
        for split, volumes in splits.items()
    }
    assert counts == {"train": (1312, 140, 70), "validation": (210, 20, 10)}


def test_some_patients_of_acdc(tmp_path):
    for folder in ("training", "testing"):
        patient = min((SHARED_DATA / "cardiac/acdc" / folder).iterdir())
        link = tmp_path / "cardiac/acdc" / folder / patient.name
        link.parent.mkdir(parents=True)
        link.symlink_to(patient)
    builder = prepare("cardiac", "auto", tmp_path, tmp_path / "prepared")
    for split in ("train", "validation"):
        found = read_back(builder, split)
        (first, *_) = find_volumes("cardiac", "acdc", tmp_path)[split]
        volume = nibabel.load(first.files[0]).get_fdata().T
        expected = expected_slices(first.name, volume, size=(150, 150))
        assert_same(found[: len(volume)], expected)
        assert all(image.max() == 1 and image.min() >= 0 for _, _, image in found)


def test_fastmri_equals_its_own_reconstruction():
    volume = find_volumes("knee", "fastmri", SHARED_DATA)["validation"][0]
    images = volume.readers[0]()
    with h5py.File(volume.files[0]) as file:
        reference = file["reconstruction_esc"][()]
    for image, expected in zip(images, reference, strict=True):
        cropped = center_crop_or_pad(image, expected.shape)
        np.testing.assert_allclose(cropped, expected, atol=1e-5 * expected.max())


def test_axes_are_those_of_the_papers_mask():
    """Zero-filled PSNR of the papers' cardiac 4x mask: 24.27 dB, and 23.35 dB if transposed."""
    mask = np.load(SHARED / "masks" / "cardiac_4x.npy")
    psnr = []
    for volume in find_volumes("cardiac", "acdc", SHARED_DATA)["validation"]:
        name_index_image = expected_slices(volume.name, volume.readers[0](), size=(150, 150))
        images = np.stack([image for _, _, image in name_index_image])
        zero_filled = np.abs(np.fft.ifft2(np.fft.fft2(images) * mask))
        psnr.append(-10 * np.log10(np.mean((images - zero_filled) ** 2)))
    assert np.mean(psnr) == pytest.approx(24.27, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("acceleration", "decibels", "similarity"),
    [(4, 24.27, 0.690), (5, 23.83, 0.668), (8, 22.86, 0.625)],
)
def test_zero_filled_as_in_the_papers(tmp_path_factory, acceleration, decibels, similarity):
    """The papers have 24.27 dB at 4x on all 50 validation patients; 10 of them are here."""
    root = tmp_path_factory.getbasetemp()
    acdc = root / "acdc_testing" / "cardiac" / "acdc"
    if not acdc.exists():
        acdc.mkdir(parents=True)
        (acdc / "testing").symlink_to(SHARED_DATA / "cardiac/acdc/testing")
        patient = min((SHARED_DATA / "cardiac/acdc/training").iterdir())
        (acdc / "training").mkdir()
        (acdc / "training" / patient.name).symlink_to(patient)
    data = load_data(
        "cardiac",
        acceleration,
        source="acdc",
        manual_dir=root / "acdc_testing",
        data_dir=root / "acdc_prepared",
        mask=str(SHARED / "masks" / f"cardiac_{acceleration}x.npy"),
    )
    evaluation = evaluate(
        {},
        data.volumes("validation"),
        data.mask,
        progress=False,
        dataset="cardiac",
        source="acdc",
        acceleration=data.acceleration_label,
    )
    values = evaluation.values("zero-filled", "psnr")
    assert len(values) == 20
    assert values.mean() == pytest.approx(decibels, abs=0.01)
    assert evaluation.values("zero-filled", "ssim").mean() == pytest.approx(similarity, abs=0.001)


@pytest.mark.skipif(not (SHARED_DATA / "kspace").is_dir(), reason="needs the shared k-space")
def test_raw_kspace_as_it_is_stored(tmp_path):
    """A fastMRI file and an array: all coils keep their file's own root sum of squares."""
    for split in ("train", "validation"):
        (tmp_path / "brain/folder_kspace" / split).mkdir(parents=True)
    path = SHARED_DATA / "kspace/brain_8coil.h5"
    (tmp_path / "brain/folder_kspace/train/eight.h5").symlink_to(path)
    kspace = np.load(SHARED_DATA / "kspace/brain_4coil_mprage.npy")
    np.save(tmp_path / "brain/folder_kspace/validation/four.npy", kspace[np.newaxis])
    with h5py.File(path) as file:
        reference = center_crop_or_pad(file["reconstruction_rss"][0], (240, 240))
    arguments = "brain", "folder_kspace", tmp_path, tmp_path / "prepared"
    builder = prepare(*arguments, coils=4)
    (example,) = builder.as_dataset(split="train").as_numpy_iterator()
    images = np.fft.ifft2(example["kspace"][..., 0] + 1j * example["kspace"][..., 1], norm="ortho")
    assert images.shape == (4, 240, 240)
    combined = np.linalg.norm(images, axis=0)
    assert combined.max() == pytest.approx(1, rel=1e-5)
    # Four virtual coils keep 0.978 of the energy of the eight; no pixel loses more than 0.034.
    np.testing.assert_allclose(combined, reference / reference.max(), atol=0.05)
    facts = builder.info.metadata["kspace"]
    assert facts["eight"]["energy_share"] > 0.9
    assert facts["four"] == {
        "coils": 4,
        "size": [256, 256],
        "cropped": [256, 256],
        "energy_share": 1,
    }
