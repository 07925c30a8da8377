"""Complex numbers are refused where float32 is computed, which would keep their real part alone."""

import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import (
    ComplexUndersampling,
    InputError,
    LowResolution,
    SenseOperator,
    SimulatedAcquisition,
    Undersampling,
    equispaced_mask,
    espirit_sensitivities,
    low_resolution_sensitivities,
)
from kdmri_tf.physics import fourier, numpy_fourier
from kdmri_tf.physics.undersampling import undersample

MASK = equispaced_mask((32, 32), acceleration=2, center_lines=16)
MASKS = MASK[np.newaxis]
IMAGE = np.ones((1, 32, 32, 1), np.float32)
KSPACE = np.ones((1, 1, 32, 32, 2), np.float32)
SCANNER = ComplexUndersampling(MASK, acquisition=SimulatedAcquisition(1))

# What is called -> the call, and the array that is complex.
CALLS = {
    "Undersampling.apply": (Undersampling(MASK).apply, IMAGE),
    "Undersampling.apply, mask": (lambda x: Undersampling(MASK).apply(IMAGE, mask=x), MASKS),
    "LowResolution.apply": (LowResolution(2).apply, IMAGE),
    "undersample": (lambda x: undersample(x, MASK), IMAGE),
    "image_to_kspace": (fourier.image_to_kspace, IMAGE),
    "kspace_to_magnitude": (fourier.kspace_to_magnitude, KSPACE[0]),
    "kspace_to_image": (fourier.kspace_to_image, KSPACE[0]),
    "SenseOperator, mask": (SenseOperator, MASKS),
    "SenseOperator, sensitivities": (lambda x: SenseOperator(MASKS, x), KSPACE),
    "SenseOperator.forward": (SenseOperator(MASKS).forward, KSPACE[0]),
    "SenseOperator.adjoint": (SenseOperator(MASKS).adjoint, KSPACE),
    "ComplexUndersampling.pair, image": (lambda x: SCANNER.pair(image=x), IMAGE),
    "ComplexUndersampling.pair, kspace": (lambda x: SCANNER.pair(kspace=x), KSPACE),
    "ComplexUndersampling.pair, mask": (lambda x: SCANNER.pair(kspace=KSPACE, mask=x), MASKS),
    "SimulatedAcquisition": (lambda x: SimulatedAcquisition(1)(x, (0, 0)), IMAGE[0]),
    "low_resolution_sensitivities": (lambda x: low_resolution_sensitivities(x, MASK), KSPACE),
    "espirit_sensitivities": (lambda x: espirit_sensitivities(x, MASK), KSPACE[0]),
}


@pytest.mark.parametrize("kind", [np.asarray, tf.constant])
@pytest.mark.parametrize(("call", "array"), CALLS.values(), ids=CALLS)
def test_complex_numbers_are_refused(call, array, kind):
    with pytest.raises(InputError, match=r"must hold real numbers, not complex64: give its magn"):
        call(kind(array * np.complex64(1j)))


def test_so_they_are_without_tensorflow():
    for of_kspace in (numpy_fourier.kspace_to_magnitude, numpy_fourier.kspace_to_image):
        with pytest.raises(InputError, match="must hold real numbers, not complex64"):
            of_kspace(KSPACE * 1j)


def test_complex_images_have_a_kspace_without_tensorflow():
    """`numpy_fourier.image_to_kspace` takes them, as it says."""
    assert np.abs(numpy_fourier.image_to_kspace(IMAGE * 1j)[..., 1]).max() == pytest.approx(32)
