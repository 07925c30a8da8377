"""Undersampling against NumPy, and what networks are given by it."""

import numpy as np
import pytest

from kdmri_tf import InputError, LowResolution, Undersampling, gaussian_mask
from kdmri_tf.physics.undersampling import undersample


def test_equals_numpy(images, inputs):
    mask = inputs["mask"][0]
    result = Undersampling(mask).apply(images)
    assert result.keys() == inputs.keys()
    for name, value in inputs.items():
        np.testing.assert_allclose(result[name], value, atol=1e-5)
    np.testing.assert_allclose(undersample(images, mask), inputs["kspace"], atol=1e-5)


def test_label_and_acceleration():
    mask = gaussian_mask((150, 100), 4)
    assert Undersampling(mask, "given", 4.0).label == "4x"
    assert Undersampling(mask).label == "4.05x"
    assert Undersampling(mask).acceleration((150, 100)) == pytest.approx(150 / 37)


def test_refuses_another_image_size():
    with pytest.raises(InputError, match=r"mask has shape \(50, 40\), but the images have sh"):
        Undersampling(gaussian_mask((50, 40), 2)).apply(np.ones((1, 40, 40, 1), np.float32))


def test_a_network_takes_what_its_degradation_makes(images):
    for degradation in (Undersampling, LowResolution):
        example = degradation.example((45, 36))
        assert set(example.apply(images)) == set(degradation.input_specification)
        assert degradation.measurement in degradation.input_specification
        for name, value in example.apply(images).items():
            assert degradation.input_specification[name].is_compatible_with(value)
