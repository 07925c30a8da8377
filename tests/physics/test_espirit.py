"""ESPIRiT: what sigpy computes, by our convention of k-space."""

import numpy as np
import pytest
from needed_packages import needed
from simulated_coils import SIZE, coil_images, measure, to_complex

from kdmri_tf import InputError, espirit_sensitivities, gaussian_mask, low_resolution_sensitivities
from kdmri_tf.physics import sigpy_convention
from kdmri_tf.physics.sensitivities import with_image_phase

sigpy = needed("sigpy")
needed("sigpy.mri")


@pytest.fixture(scope="module")
def measured():
    images = coil_images(coils=4, noise=0.005)[0]
    mask = gaussian_mask(SIZE, 2, center_lines=16)
    return images, measure(images, mask), mask


@pytest.fixture(scope="module")
def maps(measured):
    _, kspace, mask = measured
    return to_complex(espirit_sensitivities(kspace, mask))


def test_equals_sigpy(measured, maps):
    images, _, mask = measured
    kspace = sigpy.fft(images, axes=(-2, -1)) * np.fft.fftshift(mask)
    app = sigpy.mri.app.EspiritCalib(kspace.astype("c8"), calib_width=16, show_pbar=False)
    expected = app.run()
    np.testing.assert_allclose(abs(maps), abs(expected), atol=1e-3)
    np.testing.assert_allclose(maps * maps[0].conj(), expected * expected[0].conj(), atol=2e-3)


def test_squares_sum_to_one_in_the_body(measured, maps):
    energy = (abs(maps) ** 2).sum(axis=0)
    assert np.isclose(energy, 1, atol=1e-4).mean() > 0.3
    assert (np.isclose(energy, 1, atol=1e-4) | (energy == 0)).all()


def test_explains_the_images(measured, maps):
    """x_c = S_c sum of conj(S_c) x_c wherever the maps are not cropped."""
    images, _, _ = measured
    combined = (maps.conj() * images).sum(axis=0)
    seen = maps.any(axis=0)
    assert np.linalg.norm((maps * combined - images)[:, seen]) < 0.05 * np.linalg.norm(images)


def test_phase_is_that_of_the_image(measured, maps):
    images, kspace, mask = measured
    combined = (maps.conj() * images).sum(axis=0)
    assert np.linalg.norm(combined.imag) < 0.1 * np.linalg.norm(combined)
    low = low_resolution_sensitivities(kspace, mask)
    np.testing.assert_allclose(with_image_phase(low, kspace, mask), low, atol=1e-5)


def test_an_empty_coil_is_no_trouble(measured):
    _, kspace, mask = measured
    kspace = kspace.copy()
    kspace[0] = 0
    maps = espirit_sensitivities(1e-20 * kspace, mask, iterations=3)
    assert np.isfinite(maps).all()


def test_small_centre_is_refused(measured):
    _, kspace, _ = measured
    with pytest.raises(InputError, match="measures 4 lines around"):
        espirit_sensitivities(kspace, gaussian_mask(SIZE, 4, center_lines=4))


def test_missing_sigpy_is_named(monkeypatch):
    def refuse(name):
        raise ImportError(name)

    monkeypatch.setattr(sigpy_convention.importlib, "import_module", refuse)
    with pytest.raises(InputError, match=r"ESPIRiT needs sigpy, .*: run pip install sigpy\."):
        sigpy_convention.import_sigpy("ESPIRiT")
