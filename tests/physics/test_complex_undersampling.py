"""Complex undersampling: inputs and target against NumPy, of raw and of simulated scans."""

import numpy as np
import pytest

from kdmri_tf import (
    ComplexUndersampling,
    InputError,
    SenseOperator,
    SimulatedAcquisition,
    Undersampling,
    equispaced_mask,
    low_resolution_sensitivities,
    phantom_volume,
)
from kdmri_tf.physics.sensitivities import low_resolution_images

SIZE = (36, 32)
MASK = equispaced_mask(SIZE, acceleration=2, center_lines=10)
AS_COMPLEX = np.array([1, 1j])


@pytest.fixture
def kspace(rng):
    """Two slices of three coils."""
    return rng.standard_normal((2, 3, *SIZE, 2)).astype(np.float32)


@pytest.fixture
def images():
    return phantom_volume("brain", SIZE, num_slices=2, seed=0)[..., np.newaxis]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_inputs_and_target_are_those_of_the_formula(kspace):
    inputs, target = ComplexUndersampling(MASK, coils=3).pair(kspace=kspace)
    measured = (kspace * MASK[..., np.newaxis]) @ AS_COMPLEX
    sensitivities = low_resolution_sensitivities(kspace * MASK[..., np.newaxis], MASK)
    maps = sensitivities @ AS_COMPLEX
    zero_filled = np.sum(maps.conj() * np.fft.ifft2(measured, norm="ortho"), axis=1)
    scale = 1 / np.abs(zero_filled).max(axis=(1, 2))
    full = np.sum(maps.conj() * np.fft.ifft2(kspace @ AS_COMPLEX, norm="ortho"), axis=1)
    np.testing.assert_array_equal(inputs["mask"], np.broadcast_to(MASK, (2, *SIZE)))
    np.testing.assert_allclose(inputs["sensitivities"], sensitivities, atol=1e-5)
    expected = scale[:, None, None, None] * measured
    np.testing.assert_allclose(inputs["kspace"].numpy() @ AS_COMPLEX, expected, atol=1e-5)
    expected = scale[:, None, None] * full
    np.testing.assert_allclose(target.numpy() @ AS_COMPLEX, expected, atol=1e-5)


def test_the_scale_is_that_of_the_zero_filled_image(kspace):
    undersampling = ComplexUndersampling(MASK, coils=3)
    inputs, target = undersampling.pair(kspace=1000 * kspace)
    zero_filled = undersampling.baselines["zero-filled"](inputs, target)
    operator = SenseOperator(inputs["mask"], inputs["sensitivities"])
    np.testing.assert_array_equal(zero_filled, operator.adjoint(inputs["kspace"]))
    largest = np.linalg.norm(zero_filled, axis=-1).max(axis=(1, 2))
    np.testing.assert_allclose(largest, 1, rtol=1e-5)


def test_the_sensitivity_of_one_coil_is_the_smooth_phase(kspace):
    inputs, target = ComplexUndersampling(MASK).pair(kspace=kspace[:, :1])
    maps = inputs["sensitivities"].numpy()[:, 0] @ AS_COMPLEX
    np.testing.assert_allclose(np.abs(maps), 1, atol=1e-5)
    images = np.fft.ifft2(kspace[:, 0] @ AS_COMPLEX, norm="ortho")
    ratio = (target.numpy() @ AS_COMPLEX) / (maps.conj() * images)
    np.testing.assert_allclose(ratio, ratio[:, :1, :1].repeat(36, 1).repeat(32, 2), rtol=1e-3)
    low = low_resolution_images(inputs["kspace"].numpy(), MASK)[:, 0] @ AS_COMPLEX
    np.testing.assert_allclose(np.angle(low * maps.conj()), 0, atol=1e-3)


def test_each_slice_may_have_a_mask_of_its_own(kspace):
    masks = np.stack([MASK, equispaced_mask(SIZE, 3, center_lines=10, seed=1)])
    undersampling = ComplexUndersampling(MASK, coils=3)
    both, _ = undersampling.pair(kspace=kspace, mask=masks)
    for index, mask in enumerate(masks):
        one, _ = ComplexUndersampling(mask, coils=3).pair(kspace=kspace[index : index + 1])
        for name, value in one.items():
            np.testing.assert_allclose(both[name][index], value[0], atol=1e-5)


@pytest.mark.parametrize("coils", [1, 4])
def test_simulated_scans_are_measured_and_their_target_may_have_no_noise(images, coils):
    acquisition = SimulatedAcquisition(coils, snr=20, shading=0, denoise=True)
    undersampling = ComplexUndersampling(MASK, coils=coils, acquisition=acquisition)
    seeds = np.array([[5, 0], [6, 0]], np.int32)
    inputs, target = undersampling.pair(image=images, seed=seeds)
    scan = acquisition(images[1], seeds[1])
    raw, _ = ComplexUndersampling(MASK, coils=coils).pair(kspace=scan["kspace"][np.newaxis])
    for name, value in raw.items():
        np.testing.assert_allclose(inputs[name][1], value[0], atol=1e-4)
    magnitude = np.linalg.norm(target[1], axis=-1)
    seen = images[1, ..., 0] > 0.2
    ratio = magnitude[seen] / images[1, ..., 0][seen]
    assert ratio.std() < (1e-4 if coils == 1 else 0.05) * ratio.mean()


def test_what_is_kept_makes_the_same_pair(kspace):
    undersampling = ComplexUndersampling(MASK, coils=3)
    kept = undersampling.with_measurement(kspace=kspace)
    inputs, target = undersampling.pair(kspace=kspace)
    again, same = undersampling.pair(**kept)
    np.testing.assert_array_equal(same, target)
    for name, value in inputs.items():
        np.testing.assert_array_equal(again[name], value)


def test_a_blank_slice_stays_finite():
    inputs, target = ComplexUndersampling(MASK, coils=2).pair(
        kspace=np.zeros((1, 2, *SIZE, 2), np.float32)
    )
    assert all(np.isfinite(value).all() for value in (*inputs.values(), target))


def test_its_label_and_mask_are_those_of_undersampling():
    complex_one, real_one = ComplexUndersampling(MASK, coils=2), Undersampling(MASK)
    assert complex_one.label == real_one.label
    np.testing.assert_array_equal(complex_one.sampled(SIZE), real_one.sampled(SIZE))
    assert complex_one.complex_images
    assert not real_one.complex_images
    assert ComplexUndersampling.example(SIZE).acquisition.coils == 8


def test_refusals(kspace, images):
    with pytest.raises(InputError, match="The k-space has 3 coils, but 2 are expected"):
        ComplexUndersampling(MASK, coils=2).pair(kspace=kspace)
    with pytest.raises(InputError, match="Magnitude images have no k-space of coils: give k-space"):
        ComplexUndersampling(MASK, coils=2).pair(image=images)
    with pytest.raises(InputError, match="acquisition has 4 coils, but 2 are asked for"):
        ComplexUndersampling(MASK, coils=2, acquisition=SimulatedAcquisition(4))
    sparse = equispaced_mask(SIZE, acceleration=4, center_lines=2)
    with pytest.raises(InputError, match="The mask measures 3 lines around the zero frequency"):
        ComplexUndersampling(sparse, coils=2)
    with pytest.raises(InputError, match="The mask measures 3 lines around the zero frequency"):
        ComplexUndersampling(sparse, coils=1)
