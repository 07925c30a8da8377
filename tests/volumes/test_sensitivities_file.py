"""Sensitivities from files, and what does not fit."""

import numpy as np
import pytest

from kdmri_tf import InputError, load_sensitivities

SIZE = (9, 7)


@pytest.fixture
def maps():
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(2, 3, *SIZE)) + 1j * rng.normal(size=(2, 3, *SIZE))
    maps[:, :, :2] = 0  # outside the body
    return maps.astype(np.complex64)


@pytest.fixture
def save(tmp_path):
    def save_npy(values):
        np.save(tmp_path / "maps.npy", values)
        return tmp_path / "maps.npy"

    return save_npy


def save_cfl(folder, maps):
    """Maps (slices, coils, H, W) as BART has them: x, y, z, coils ... slices."""
    slices, coils, height, width = maps.shape
    dimensions = [height, width, 1, coils, *[1] * 9, slices, 1, 1]
    (folder / "maps.hdr").write_text(f"# Dimensions\n{' '.join(map(str, dimensions))}\n")
    maps.transpose(2, 3, 1, 0).astype(np.complex64).ravel(order="F").tofile(folder / "maps.cfl")
    return folder / "maps.cfl"


def expected(maps):
    energy = np.sqrt((np.abs(maps) ** 2).sum(axis=1, keepdims=True))
    return maps / np.where(energy, energy, 1)


def to_complex(loaded):
    assert loaded.dtype == np.float32
    return loaded[..., 0] + 1j * loaded[..., 1]


def test_one_set_a_slice(maps, save, tmp_path):
    for path in (save(maps), save(maps * 1e-25), save_cfl(tmp_path, maps)):
        loaded = load_sensitivities(path, SIZE, coils=3, num_slices=2)
        np.testing.assert_allclose(to_complex(loaded), expected(maps), atol=1e-5)


def test_one_set_for_all_slices(maps, save, tmp_path):
    for path in (save(maps[0]), save(maps[:1].astype(complex)), save_cfl(tmp_path, maps[:1])):
        loaded = to_complex(load_sensitivities(path, SIZE, coils=3, num_slices=5))
        assert loaded.shape == (5, 3, *SIZE)
        np.testing.assert_allclose(loaded[4], expected(maps)[0], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda maps: maps[:, :2], r"shape \(2, 9, 7\), but the k-space has \(3, 9, 7\)"),
        (lambda maps: maps.swapaxes(2, 3), r"shape \(3, 7, 9\), but"),
        (lambda maps: maps[0, 0], r"shape \(7,\), but"),
        (lambda maps: np.concatenate([maps, maps]), "of 4 slices, but the k-space has 2"),
        (lambda maps: abs(maps), "holds float32 values, but sensitivities are complex"),
        (lambda maps: maps * np.nan, "hold NaN or infinity"),
        (lambda maps: maps * [[[[1]]], [[[0]]]], "are 0 everywhere in slice 1"),
    ],
)
def test_what_does_not_fit_is_refused(change, message, maps, save):
    with pytest.raises(InputError, match=message):
        load_sensitivities(save(change(maps)), SIZE, coils=3, num_slices=2)


def test_missing_and_other_files(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        load_sensitivities(tmp_path / "maps.npy", SIZE, coils=3)
    (tmp_path / "maps.mat").touch()
    with pytest.raises(InputError, match="has an unknown suffix"):
        load_sensitivities(tmp_path / "maps.mat", SIZE, coils=3)
