"""Batches of complex images: simulated anew in every pass, raw as the scanner measured them."""

import dataclasses

import numpy as np
import pytest
from raw_data import centered_kspace, complex_images, write_hdf5

from kdmri_tf import (
    ComplexUndersampling,
    InputError,
    SimulatedAcquisition,
    compose_augmentations,
    load_data,
    random_contrast,
    random_flips,
    random_zoom,
)
from kdmri_tf.data import slices_in_memory
from kdmri_tf.data.provenance import data_config, data_digest, data_facts, variation_config

SIZE = (36, 34)
AS_COMPLEX = np.array([1, 1j])


@pytest.fixture(scope="module")
def simulated(load_tiny):
    return load_tiny(coils=2)


@pytest.fixture(scope="module")
def load_raw(tmp_path_factory):
    """Loads raw k-space of three coils: four slices to train on, two to validate."""
    root = tmp_path_factory.mktemp("raw_kspace")
    rng = np.random.default_rng(0)
    for name, split in (("a", "train"), ("b", "train"), ("c", "val")):
        path = root / f"raw/brain/fastmri_multicoil/multicoil_{split}/{name}.h5"
        write_hdf5(path, kspace=centered_kspace(complex_images(rng, (2, 3, *SIZE))))
    usual = {"manual_dir": root / "raw", "data_dir": root / "out", "image_size": SIZE, "coils": 3}
    return lambda **arguments: load_data("brain", 2, **(usual | arguments))


def stacked(batches, count):
    """Returns k-space and targets of some batches, as two complex arrays."""
    pairs = list(batches.take(count))
    kspace = np.concatenate([inputs["kspace"] for inputs, _ in pairs])
    return kspace @ AS_COMPLEX, np.concatenate([target for _, target in pairs]) @ AS_COMPLEX


def test_simulated_data_describe_themselves(simulated, data):
    assert simulated.complex_images
    assert (simulated.coils, data.coils) == (2, None)
    assert not data.complex_images
    assert not simulated.is_fixed
    assert simulated.image_size == SIZE
    assert repr(simulated).endswith("2x, 2 coils, simulated>")
    assert str(simulated.variation) == "simulated scans"
    lines = simulated.mask[0]  # columns, as in scanners' files
    assert lines.sum() == SIZE[1] / 2
    middle, half = SIZE[1] // 2, int(2 / 3 * SIZE[1] / 2) // 2
    assert (np.fft.fftshift(lines)[middle - half : middle + half] == 1).all()


@pytest.mark.parametrize("coils", [1, 2])
def test_batches_are_what_networks_of_complex_images_take(load_tiny, coils):
    chosen = load_tiny(coils=coils)
    inputs, target = chosen.batches("train", 3, seed=1, first_epoch=0).element_spec
    shapes = {name: tuple(spec.shape) for name, spec in inputs.items()}
    of_coils = (3, coils, *SIZE, 2)
    assert shapes == {"kspace": of_coils, "mask": (3, *SIZE), "sensitivities": of_coils}
    assert tuple(target.shape) == (3, *SIZE, 2)


def test_scans_differ_from_pass_to_pass_and_a_resumed_run_sees_the_same(simulated):
    whole, _ = stacked(simulated.batches("train", 3, seed=1, first_epoch=0), 6)
    resumed, _ = stacked(simulated.batches("train", 3, seed=1, first_epoch=2), 2)
    np.testing.assert_allclose(whole[12:], resumed, atol=1e-5)
    assert len({scan.tobytes() for scan in whole}) == 18
    other, _ = stacked(simulated.batches("train", 3, seed=2, first_epoch=0), 2)
    assert not np.isclose(other, whole[:6]).all(axis=(1, 2, 3)).any()


def test_outside_training_every_slice_has_one_scan(simulated):
    first, second = (stacked(simulated.batches("validation", 4), 1)[1] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    volumes = dict(simulated.volumes("validation"))
    assert list(volumes) == ["heart11", "heart12"]
    slices = {
        name: np.concatenate([v[name] for v in volumes.values()]) for name in ("image", "seed")
    }
    assert slices["image"].shape == (4, *SIZE, 1)
    _, target = simulated.degradation.pair(**slices)
    np.testing.assert_allclose(target.numpy() @ AS_COMPLEX, first, atol=1e-4)


def test_augmentation_comes_before_the_scan_and_masks_are_random(load_tiny):
    varied = load_tiny(coils=2, augment=random_flips, random_masks=True)
    assert str(varied.variation) == "augmentation and random masks and simulated scans"
    inputs, target = next(iter(varied.batches("train", 6, seed=1)))
    measured = np.abs(inputs["kspace"]).max(axis=(1, 4)) > 0
    np.testing.assert_array_equal(measured, inputs["mask"])
    assert len({mask.tobytes() for mask in inputs["mask"].numpy()}) > 1
    assert np.isfinite(target).all()


def test_what_identifies_the_data(simulated, data, load_tiny):
    assert not {"coils", "acquisition"} & data_config(data).keys()
    config = data_config(simulated)
    assert config["coils"] == 2
    assert config["acquisition"] == SimulatedAcquisition(2).config
    assert data_facts(simulated)["coils"] == 2
    assert variation_config(simulated) == {"augment": None, "random_masks": False}
    noisy = load_tiny(acquisition=SimulatedAcquisition(2, snr=5))
    assert noisy.fingerprint == simulated.fingerprint
    assert len({data_digest(part) for part in (data, simulated, noisy)}) == 3


def test_raw_kspace_is_measured(load_raw):
    raw = load_raw()
    assert (raw.source, raw.coils, raw.is_fixed) == ("fastmri_multicoil", 3, True)
    assert raw.image_size == SIZE
    assert raw.coils_label == "3 coils, raw"
    assert data_facts(raw)["phase_encode_axis"] == 1  # where scanners have it in these files
    assert data_config(raw)["acquisition"] is None
    volumes = dict(raw.volumes("train"))
    assert list(volumes) == ["a", "b"]
    assert {volume["kspace"].shape for volume in volumes.values()} == {(2, 3, *SIZE, 2)}
    full = np.concatenate([volume["kspace"] for volume in volumes.values()]) @ AS_COMPLEX
    kspace, target = stacked(raw.batches("train", 4), 1)
    scale = np.abs(kspace).max(axis=(1, 2, 3)) / np.abs(full * raw.mask).max(axis=(1, 2, 3))
    expected = scale[:, None, None, None] * full * raw.mask
    np.testing.assert_allclose(kspace, expected, atol=1e-4)
    assert target.shape == (4, *SIZE)


@pytest.mark.parametrize("num_slices", [0, 4])
def test_what_is_kept_in_memory_changes_rounding_alone(load_raw, monkeypatch, num_slices):
    """Nothing, or k-space alone, instead of what is measured of it."""
    raw = load_raw()
    expected = stacked(raw.batches("train", 2, seed=1, first_epoch=0), 4)
    monkeypatch.setattr(slices_in_memory, "MEMORY_BUDGET_BYTES", num_slices * 3 * 36 * 34 * 8)
    again = dataclasses.replace(raw).batches("train", 2, seed=1, first_epoch=0)
    for values, expected_values in zip(stacked(again, 4), expected, strict=True):
        np.testing.assert_allclose(values, expected_values, atol=1e-6)


def test_raw_coil_images_are_flipped_together(load_raw):
    plain, flipped = load_raw(), load_raw(augment=random_flips)
    assert not flipped.is_fixed
    inputs, _ = next(iter(flipped.batches("train", 4, seed=3, first_epoch=0)))
    every = dataclasses.replace(
        plain, degradation=ComplexUndersampling(np.ones(SIZE), coils=3), variation=None
    )
    kspace, _ = stacked(every.batches("train", 4), 1)
    images = np.fft.ifft2(kspace, norm="ortho")
    found = set()
    for measured in inputs["kspace"].numpy() @ AS_COMPLEX:
        for turn, axes in enumerate(((), (2,), (3,), (2, 3))):
            masked = np.fft.fft2(np.flip(images, axes), norm="ortho") * plain.mask
            cosine = np.abs((masked.conj() * measured).sum((1, 2, 3)))
            norms = np.linalg.norm(masked, axis=(2, 3)), np.linalg.norm(measured)
            cosine /= np.linalg.norm(norms[0], axis=1) * norms[1]
            found |= {(turn, slice) for slice in np.flatnonzero(cosine > 0.9999)}
    assert len(found) == 4
    assert len({turn for turn, _ in found}) > 1


def test_raw_kspace_keeps_its_intensities(load_raw):
    for augment in (random_contrast, compose_augmentations(random_flips, random_contrast)):
        with pytest.raises(InputError, match="random_contrast changes intensities, which raw k-sp"):
            load_raw(augment=augment)


def test_raw_kspace_cannot_be_zoomed(load_raw):
    with pytest.raises(InputError, match=r"random_zoom cannot change raw k-space: .* or simulate"):
        load_raw(augment=random_zoom)


def test_images_of_a_raw_source_can_be_scanned_in_simulation(load_raw):
    chosen = load_raw(coils=None, acquisition=SimulatedAcquisition(5))
    assert chosen.coils_label == "5 coils, simulated"


def test_numbers_of_coils_that_make_no_sense(load_tiny):
    with pytest.raises(InputError, match=r"coils must lie between 1 and 1024; got 0\."):
        load_tiny(coils=0)
    with pytest.raises(InputError, match="acquisition has 3 coils, but 2 are asked for"):
        load_tiny(coils=2, acquisition=SimulatedAcquisition(3))
    with pytest.raises(InputError, match="measures 5 lines around the zero frequency"):
        load_tiny(coils=2, center_lines=4)
