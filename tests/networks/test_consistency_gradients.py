"""Gradients of networks with respect to what was measured, for maps and masks that are learned."""

import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import DCCNN, DataConsistency, gaussian_mask
from kdmri_tf.networks import data_consistency

SIZE = (12, 10)
COILS = 3


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def inputs(rng):
    """Of two complex images; the mask has whole rows, which are trusted more or less."""
    lines = rng.uniform(0.2, 1, (2, SIZE[0], 1)) * gaussian_mask(SIZE, 2, center_lines=2)
    return {
        "kspace": rng.normal(size=(2, COILS, *SIZE, 2)).astype(np.float32),
        "mask": lines.astype(np.float32),
        "sensitivities": rng.normal(size=(2, COILS, *SIZE, 2)).astype(np.float32) / 3,
    }


def magnitude(inputs):
    """The same for a network of magnitude images."""
    return {"kspace": inputs["kspace"][:, 0], "mask": inputs["mask"]}


def gradients(model, inputs):
    """Of the sum of squares, with respect to every input."""
    inputs = {name: tf.constant(value) for name, value in inputs.items()}

    def compute():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(model(inputs) ** 2)
        return tape.gradient(loss, inputs)

    return compute, tf.function(compute)


def assert_as_tensorflow_has_them(model, inputs, monkeypatch):
    """Compares eager and graph gradients with those without one of our own."""
    ours = [compute() for compute in gradients(model, inputs)]
    monkeypatch.setattr(data_consistency, "self_adjoint", lambda keep: keep)
    expected = gradients(model, inputs)[0]()
    for name, values in expected.items():
        scale = np.abs(values).max()
        assert scale > 0
        for found in ours:
            np.testing.assert_allclose(found[name], values, atol=2e-5 * scale, err_msg=name)


@pytest.mark.parametrize("steps", [1, 3])
def test_of_complex_images(inputs, monkeypatch, steps):
    network = DCCNN(2, 3, filters=4, complex_images=True, consistency_steps=steps)
    assert_as_tensorflow_has_them(network, inputs, monkeypatch)


@pytest.mark.parametrize("form", ["auto", "rfft", "fft"])
@pytest.mark.parametrize("noise_weight", [None, 0.5, "learned"])
def test_of_magnitude_images(inputs, monkeypatch, form, noise_weight):
    network = DCCNN(2, 3, filters=4, consistency_form=form, noise_weight=noise_weight)
    assert_as_tensorflow_has_them(network, magnitude(inputs), monkeypatch)


def test_forms_agree_on_a_mask_between_0_and_1(inputs):
    """And so do their derivatives along whole lines."""
    image = tf.ones((2, *SIZE, 1))
    direction = np.arange(2 * SIZE[0]).reshape(2, SIZE[0], 1) * np.ones((2, *SIZE), np.float32)
    images, slopes = [], []
    for form in ("fft", "rfft", "auto"):
        layer = DataConsistency(form=form)

        def corrected(inputs, layer=layer):
            return layer(image, *inputs.values())

        images.append(corrected(magnitude(inputs)))
        slope = gradients(corrected, magnitude(inputs))[1]()["mask"]
        slopes.append(np.sum(slope * direction))
    np.testing.assert_allclose(images[1:], [images[0]] * 2, atol=1e-5)
    np.testing.assert_allclose(slopes[1:], [slopes[0]] * 2, rtol=1e-4)


def test_finite_differences_say_the_same(inputs, rng):
    """Of sensitivities, in which a data consistency layer is a polynomial."""
    layer = DataConsistency(complex_images=True)
    image = rng.normal(size=(2, *SIZE, 2)).astype(np.float32)
    direction = rng.normal(size=inputs["sensitivities"].shape).astype(np.float32)
    step = 1e-2

    def corrected(inputs):
        return layer(image, *inputs.values())

    def loss(distance):
        moved = inputs["sensitivities"] + distance * direction
        output = corrected({**inputs, "sensitivities": moved})
        return np.sum(np.square(output, dtype=np.float64))

    numeric = (loss(step) - loss(-step)) / (2 * step)
    found = gradients(corrected, inputs)[1]()["sensitivities"]
    np.testing.assert_allclose(np.sum(found * direction), numeric, rtol=1e-2)
