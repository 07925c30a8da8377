"""Coil compression: an orthonormal mixing of coils that keeps the most energy."""

import numpy as np
import pytest

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.coil_compression import (
    centre_of,
    compress_coils,
    energy,
    mix_coils,
    virtual_coils,
)


@pytest.fixture
def kspace():
    """Coils that see much the same, of different strength: (slices, coils, H, W)."""
    rng = np.random.default_rng(0)
    draw = rng.normal(size=(2, 2, 6, 30, 27))
    mixed = rng.normal(size=(6, 6)) + 1j * rng.normal(size=(6, 6))
    weights = 3.0 ** -np.arange(6)[:, np.newaxis, np.newaxis]
    return mix_coils((draw[0] + 1j * draw[1]) * weights, mixed)


@pytest.mark.parametrize("num_virtual", range(1, 7))
def test_rows_are_orthonormal_and_in_order(kspace, num_virtual):
    mixing = virtual_coils(centre_of(kspace), num_virtual)
    np.testing.assert_allclose(mixing @ mixing.conj().T, np.eye(num_virtual), atol=1e-12)
    energies = [energy(coil) for coil in mix_coils(centre_of(kspace), mixing).swapaxes(0, 1)]
    assert energies == sorted(energies, reverse=True)
    largest = np.abs(mixing).argmax(axis=1)
    weights = mixing[np.arange(num_virtual), largest]
    assert (weights.real > 0).all()
    np.testing.assert_allclose(weights.imag, 0, atol=1e-12)


def test_all_coils_keep_everything(kspace):
    compressed, share = compress_coils(kspace, 6)
    assert share == pytest.approx(1, abs=1e-6)
    energies = (np.square(np.abs(k)).sum(axis=1) for k in (compressed, kspace))
    np.testing.assert_allclose(*energies, rtol=1e-4)  # sample by sample


def test_is_the_best_there_is(kspace):
    """As the singular values say, where all samples are in the centre."""
    small = kspace[..., :20, :20]
    samples = np.moveaxis(small, 1, -1).reshape(-1, 6)
    energies = np.linalg.svd(samples, compute_uv=False) ** 2
    for num_virtual in (1, 3):
        compressed, share = compress_coils(small, num_virtual)
        assert compressed.shape == (2, num_virtual, 20, 20)
        assert compressed.dtype == np.complex64
        assert share == pytest.approx(energies[:num_virtual].sum() / energies.sum(), rel=1e-5)


def test_coils_that_see_the_same_become_one(kspace):
    one = kspace[:, :1] * np.array([1, -2j, 0.5])[:, np.newaxis, np.newaxis]
    assert compress_coils(one, 1)[1] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("scale", [1e-15, 1e15])
def test_units_do_not_matter(kspace, scale):
    scaled = virtual_coils(centre_of(kspace.astype(np.complex128) * scale), 3)
    np.testing.assert_allclose(scaled, virtual_coils(centre_of(kspace), 3), atol=1e-6)


def test_what_is_not_measured_stays_0(kspace):
    kspace[..., 1::2] = 0
    compressed, _ = compress_coils(kspace, 2)
    np.testing.assert_array_equal((compressed != 0).any(axis=1), (kspace != 0).any(axis=1))


@pytest.mark.parametrize("length", [1, 2, 7, 24, 25, 64])
def test_the_centre_is_that_of_the_frequencies(length):
    frequencies = np.fft.fftfreq(length, 1 / length)
    kept = centre_of(np.broadcast_to(frequencies, (length, length)))
    assert kept.shape == (min(length, 24), min(length, 24))
    expected = sorted(frequencies, key=lambda k: (abs(k), k))[: min(length, 24)]
    assert sorted(kept[0]) == sorted(expected)


@pytest.mark.parametrize("num_virtual", [0, 7, -1])
def test_more_coils_than_there_are(kspace, num_virtual):
    message = f"6 coils cannot be compressed to {num_virtual}: choose 1 to 6 virtual coils"
    with pytest.raises(InputError, match=message):
        compress_coils(kspace, num_virtual)


def test_nothing_but_zeros():
    compressed, share = compress_coils(np.zeros((1, 3, 4, 4), np.complex64), 2)
    assert not compressed.any()
    assert share == 1
