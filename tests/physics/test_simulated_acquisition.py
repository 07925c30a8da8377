"""Simulated scans: what is smooth is smooth, and noise is as strong and as correlated as asked."""

import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import InputError, SimulatedAcquisition, phantom_volume
from kdmri_tf.physics.coil_profiles import random_coil_profiles, root_sum_of_squares
from kdmri_tf.physics.random_phase import random_phase
from kdmri_tf.physics.receiver_noise import receiver_noise
from kdmri_tf.physics.tissue_phase import tissue_phase

SIZE = (48, 40)


@pytest.fixture(scope="module")
def image():
    return phantom_volume("brain", SIZE, num_slices=1, seed=0)[0, ..., np.newaxis]


def complex_of(channels):
    return channels.numpy() @ np.array([1, 1j])


def simulated(image, seed=(3, 4), **settings):
    """Returns complex k-space and coil images without noise."""
    scan = SimulatedAcquisition(**settings, denoise=True)(image, seed)
    return complex_of(scan["kspace"]), complex_of(scan["reference"])


def test_kspace_is_that_of_the_coil_images(image):
    kspace, reference = simulated(image, coils=3, snr=None)
    np.testing.assert_allclose(kspace, np.fft.fft2(reference, norm="ortho"), atol=1e-5)


@pytest.mark.parametrize("coils", [1, 4])
def test_without_shading_the_root_sum_of_squares_is_the_image(image, coils):
    _, reference = simulated(image, coils=coils, shading=0)
    energy = np.sqrt(np.sum(np.abs(reference) ** 2, axis=0))
    np.testing.assert_allclose(energy, image[..., 0], atol=1e-5)


def test_shading_is_that_of_the_loops(image):
    _, flat = simulated(image, coils=4, shading=0)
    _, shaded = simulated(image, coils=4, shading=1)
    ratio = np.abs(shaded[:, 10:30, 10:30]).sum(0) / np.abs(flat[:, 10:30, 10:30]).sum(0)
    assert ratio.max() / ratio.min() > 1.2
    assert np.abs(np.diff(ratio)).max() < 0.15 * ratio.mean()


def test_one_coil_has_the_shading_of_an_array_and_no_other_phase(image):
    _, flat = simulated(image, coils=1, shading=0)
    _, shaded = simulated(image, coils=1, shading=1)
    seen = image[..., 0] > 0.05
    ratio = shaded[0][seen] / flat[0][seen]
    np.testing.assert_allclose(ratio.imag, 0, atol=1e-4)
    assert ratio.real.max() / ratio.real.min() > 1.5


def test_snr_is_as_asked(image):
    kspace, reference = simulated(image, coils=4, snr=20, noise_correlation=0)
    noise = kspace - np.fft.fft2(reference, norm="ortho")
    brightness = np.sqrt(np.sum(np.abs(reference) ** 2, axis=0))
    signal = brightness[brightness > 0.1 * brightness.max()].mean()
    for part in (noise.real, noise.imag):
        assert signal / part.std() == pytest.approx(20, rel=0.03)
    assert abs(np.mean(noise.real * noise.imag)) < 0.03 * noise.real.var()


def test_the_reference_has_the_noise_of_the_scan(image):
    scan = SimulatedAcquisition(coils=2, snr=5)(image, (3, 4))
    kspace, reference = (complex_of(scan[name]) for name in ("kspace", "reference"))
    np.testing.assert_allclose(np.fft.ifft2(kspace, norm="ortho"), reference, atol=1e-5)


def test_noise_is_correlated_as_asked():
    noise = receiver_noise(4, (128, 128), (0, 1), 0.4).numpy().reshape(4, -1)
    covariance = noise @ noise.conj().T / noise.shape[1]
    steps = np.array([[0, 1, 2, 1], [1, 0, 1, 2], [2, 1, 0, 1], [1, 2, 1, 0]])
    np.testing.assert_allclose(covariance, 2 * 0.4**steps, atol=0.06)


def test_phase_is_smooth_and_as_strong_as_asked():
    size = (96, 80)
    weak, strong = (np.exp(1j * random_phase(size, (0, 5), s).numpy()) for s in (0.3, 1.5))
    steps = [np.angle(phase[1:] * phase[:-1].conj()) for phase in (weak, strong)]
    assert np.abs(steps[0]).max() < np.abs(steps[1]).max() < np.pi / 3
    np.testing.assert_allclose(steps[1], 5 * steps[0], atol=1e-4)
    constant = random_phase(size, (0, 5), 0).numpy()
    assert np.ptp(constant) == 0


def test_the_phase_of_tissues_has_their_edges(image):
    magnitude = image[..., 0]
    phase, other = (tissue_phase(magnitude, (0, seed), 0.5).numpy() for seed in (5, 6))
    values, first = np.unique(magnitude, return_index=True)
    of_value = phase.ravel()[first][np.searchsorted(values, magnitude)]
    np.testing.assert_allclose(phase, of_value, atol=1e-5)  # the same where brightness is
    assert not np.any(phase[magnitude == 0])
    assert np.abs(phase - other).max() > 0.1
    np.testing.assert_allclose(tissue_phase(3 * magnitude, (0, 5), 1.0), 2 * phase, atol=1e-4)
    assert not np.any(tissue_phase(np.zeros((4, 4), np.float32), (0, 5)))


def test_without_noise_the_phase_is_the_sum_of_both(image):
    """What two scans of one seed differ by is the phase of the tissues."""
    given = {"coils": 1, "snr": 1e6, "shading": 0, "phase": 1.0}
    smooth, both = (
        complex_of(SimulatedAcquisition(**given, tissue=strength)(image, (3, 4))["reference"])[0]
        for strength in (0, 0.5)
    )
    body = image[..., 0] > 0.1
    difference = np.angle(both * smooth.conj())[body]
    brightness = image[..., 0][body]
    assert np.ptp(difference) > 0.05
    for level in np.unique(brightness)[:20]:
        assert np.ptp(difference[brightness == level]) < 1e-2


def test_profiles_are_smooth_and_each_is_brightest_at_a_border():
    profiles = random_coil_profiles(6, (60, 48), (1, 2)).numpy()
    middle = np.abs(profiles[:, 15:45, 12:36]).max(axis=(1, 2))
    assert (np.abs(profiles).max(axis=(1, 2)) > 1.5 * middle).all()
    curvature = np.diff(profiles, 2, axis=1)
    assert np.abs(curvature).max() < 0.1 * np.abs(profiles).max()
    assert root_sum_of_squares(profiles).numpy().min() > 0


def test_the_seed_decides(image):
    acquire = SimulatedAcquisition(coils=2)
    in_graph = tf.function(acquire)
    scans = [acquire(image, (1, 2)), acquire(image, (1, 2)), acquire(image, (1, 3))]
    np.testing.assert_array_equal(scans[0]["kspace"], scans[1]["kspace"])
    assert (scans[0]["kspace"] != scans[2]["kspace"]).numpy().mean() > 0.99
    graph = in_graph(image, tf.constant([1, 2]))
    np.testing.assert_allclose(graph["kspace"], scans[0]["kspace"], atol=1e-4)


def test_a_blank_image_has_no_signal_and_no_noise():
    scan = SimulatedAcquisition(coils=2)(np.zeros((16, 16, 1), np.float32), (0, 0))
    assert not np.any(scan["kspace"])


def test_settings_are_json_values_and_equal_where_they_are():
    acquire = SimulatedAcquisition(coils=np.int64(2), snr=30, shading=[0, 0.5])
    assert acquire.config == {
        "coils": 2,
        "snr": [30.0, 30.0],
        "phase": [0.5, 1.5],
        "tissue": [0.0, 0.6],
        "shading": [0.0, 0.5],
        "noise_correlation": [0.0, 0.3],
        "denoise": False,
    }
    assert acquire == SimulatedAcquisition(2, (30, 30), shading=(0, 0.5))
    assert SimulatedAcquisition(snr=None).config["snr"] is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"coils": 0}, "coils must lie between 1 and 1024; got 0."),
        ({"coils": 2.5}, "coils must be a whole number; got 2.5."),
        ({"snr": "high"}, "snr must be a number, or two of them, .* got 'high'."),
        ({"snr": (60, 10)}, r"snr must lie between 0.01 and 1e\+06, the lowest .* \(60, 10\)."),
        ({"snr": float("nan")}, "snr must lie between"),
        ({"shading": 2}, "shading must lie between 0 and 1"),
        ({"phase": (1, 2, 3)}, "phase must be a number, or two of them"),
        ({"noise_correlation": 1}, "noise_correlation must lie between 0 and 0.99"),
    ],
)
def test_refuses_other_settings(settings, message):
    with pytest.raises(InputError, match=message):
        SimulatedAcquisition(**settings)
