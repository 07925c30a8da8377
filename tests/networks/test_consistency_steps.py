"""Several steps of data consistency, where several coils measure complex images."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import DCCNN, DataConsistency, InputError, SenseOperator, gaussian_mask
from kdmri_tf.networks.chebyshev import SMALLEST_EIGENVALUE, chebyshev_steps
from kdmri_tf.networks.inference_form import inference_copy

SIZE = (15, 12)


def measurement(axis=1, coils=4):
    rng = np.random.default_rng(7)
    mask = gaussian_mask(SIZE, 2, center_lines=3, axis=axis)[np.newaxis]
    maps, image = (
        rng.normal(size=(1, *shape, *SIZE, 2)).astype(np.float32) for shape in ((coils,), ())
    )
    maps /= np.sqrt(np.sum(maps**2, axis=(1, 4), keepdims=True))
    operator = SenseOperator(mask, maps)
    return operator, [operator.forward(image), mask, maps], image


@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_residual_is_a_chebyshev_polynomial(count):
    """Smallest on the range among all that are 1 at 0, and no larger than 1 below it."""
    low = SMALLEST_EIGENVALUE
    eigenvalues = np.linspace(low, 1, 200)
    steps = np.array(chebyshev_steps(count))
    residual = np.prod(1 - steps[:, np.newaxis] * eigenvalues, axis=0)
    polynomial = np.polynomial.chebyshev.Chebyshev.basis(count)
    expected = polynomial((1 + low - 2 * eigenvalues) / (1 - low)) / polynomial(
        (1 + low) / (1 - low)
    )
    np.testing.assert_allclose(residual, expected, atol=1e-9)
    below = np.prod(1 - steps[:, np.newaxis] * np.linspace(0, low, 50), axis=0)
    assert np.abs(below).max() <= 1


def test_one_step_is_the_plain_formula():
    assert chebyshev_steps(1) == (1.0,)


def test_steps_are_those_of_the_formula():
    operator, measured, _ = measurement()
    image = expected = tf.random.stateless_normal((1, *SIZE, 2), (0, 1))
    for step in chebyshev_steps(3):
        expected += 0.8 * step * (operator.adjoint(measured[0]) - operator.normal(expected))
    layer = DataConsistency(noise_weight=4.0, complex_images=True, steps=3)
    np.testing.assert_allclose(layer(image, *measured), expected, atol=1e-5)
    copy = DataConsistency.from_config(layer.get_config())
    np.testing.assert_array_equal(copy(image, *measured), layer(image, *measured))


def test_more_steps_leave_less_unexplained():
    operator, measured, _ = measurement()
    errors = []
    for steps in (1, 2, 4):
        image = DataConsistency(complex_images=True, steps=steps)(
            operator.adjoint(measured[0]), *measured
        )
        errors.append(float(tf.norm(operator.forward(image) - measured[0])))
    assert errors[0] > 1.2 * errors[1] > 1.2**2 * errors[2]


def test_one_coil_takes_one_step():
    _, (kspace, mask, _), image = measurement(coils=1)
    layer = DataConsistency(complex_images=True, steps=3)
    one = DataConsistency(complex_images=True)
    kspace = SenseOperator(mask).forward(image)
    given = tf.random.stateless_normal((1, *SIZE, 2), (0, 1))
    np.testing.assert_array_equal(layer(given, kspace, mask), one(given, kspace, mask))


@pytest.mark.parametrize("form", ["fft", "rows", "columns"])
@pytest.mark.parametrize("is_known", [True, False])
def test_one_coil_with_a_phase_takes_one_step(form, is_known):
    """Also where a graph does not know the number of coils."""
    _, (kspace, mask, maps), _ = measurement(axis=0 if form == "rows" else 1, coils=1)
    given = tf.random.stateless_normal((1, *SIZE, 2), (0, 1))
    layer, one = (DataConsistency(form=form, complex_images=True, steps=n) for n in (3, 1))
    coils = tf.TensorSpec((1, 1 if is_known else None, *SIZE, 2))
    correct = tf.function(lambda kspace, maps: layer(given, kspace, mask, maps), [coils, coils])
    expected = one(given, kspace, mask, maps)
    np.testing.assert_allclose(correct(kspace, maps), expected, atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1])
def test_the_form_of_exports_takes_the_same_steps(axis):
    _, measured, _ = measurement(axis)
    keras.utils.set_random_seed(0)
    model = DCCNN(2, 2, filters=4, complex_images=True, noise_weight="learned", consistency_steps=3)
    inputs = dict(zip(("kspace", "mask", "sensitivities"), measured, strict=True))
    exported = inference_copy(model, consistency_form=("rows", "columns")[axis])
    np.testing.assert_allclose(exported(inputs), model(inputs), atol=1e-5)
    assert DCCNN.from_config(model.get_config()).get_config() == model.get_config()


def test_the_gradient_is_that_of_the_steps():
    """The layer is linear in the image: its gradient is checked against differences."""
    _, measured, image = measurement()
    layer = DataConsistency(complex_images=True, steps=3)
    direction, upstream = (tf.random.stateless_normal(image.shape, (0, s)) for s in (1, 2))
    with tf.GradientTape() as tape:
        variable = tf.convert_to_tensor(image)
        tape.watch(variable)
        value = tf.reduce_sum(upstream * layer(variable, *measured))
    slope = tf.reduce_sum(tape.gradient(value, variable) * direction)
    difference = layer(image + direction, *measured) - layer(image, *measured)
    np.testing.assert_allclose(slope, tf.reduce_sum(upstream * difference), rtol=1e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0, "complex_images": True}, "must lie between 1 and 100; got 0"),
        ({"steps": 101, "complex_images": True}, "must lie between 1 and 100; got 101"),
        ({"steps": 2}, "Magnitude images of one coil need one consistency step, not 2"),
    ],
)
def test_impossible_steps(settings, message):
    with pytest.raises(InputError, match=message):
        DataConsistency(**settings)
