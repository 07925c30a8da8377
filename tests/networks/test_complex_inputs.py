"""Complex numbers as inputs, targets and weights: refused, not trained towards their real part."""

import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import DCCNN, VDSR, InputError, SlicePSNR

REFUSAL = r"must hold real numbers, not complex\d+: give its magnitude \(abs\) or its real part"


@pytest.fixture
def network():
    network = DCCNN(2, 1, filters=2)
    network.compile("sgd", "mae", metrics=[SlicePSNR()])
    return network


@pytest.mark.parametrize("kind", [np.asarray, tf.constant])
@pytest.mark.parametrize("name", ["kspace", "mask"])
def test_of_a_cascade(network, inputs, name, kind):
    given = {**inputs, name: kind(inputs[name] * np.complex64(1j))}
    for call in (network, lambda given: network.predict(given, verbose=0)):
        with pytest.raises(InputError, match=f"{name} {REFUSAL}"):
            call(given)


def test_of_coils(inputs):
    network = DCCNN(2, 1, filters=2, complex_images=True)
    maps = np.ones((2, 1, *inputs["mask"].shape[1:], 2), np.complex64)
    with pytest.raises(InputError, match=f"sensitivities {REFUSAL}"):
        network({**inputs, "kspace": inputs["kspace"][:, np.newaxis], "sensitivities": maps})
    with pytest.raises(InputError, match=f"kspace {REFUSAL}"):
        network({**inputs, "kspace": inputs["kspace"] * 1j})


def test_of_low_resolution(images):
    with pytest.raises(InputError, match=f"low_resolution {REFUSAL}"):
        VDSR(2, filters=2)({"low_resolution": 1j * images})


@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_as_targets(network, inputs, images, method):
    for target in (images, images[..., 0]):
        with pytest.raises(InputError, match=f"target {REFUSAL}"):
            getattr(network, method)(inputs, target * np.exp(1j).astype("complex64"), verbose=0)


def test_as_weights(network, inputs, images):
    with pytest.raises(InputError, match=f"sample_weight {REFUSAL}"):
        network.evaluate(inputs, images, sample_weight=np.full(2, 1j), verbose=0)
