"""Steps of data consistency whose sizes a cascade learns."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import (
    DCCNN,
    DataConsistency,
    InputError,
    SenseOperator,
    StudentFriendlyTeacher,
    gaussian_mask,
    load_network,
)
from kdmri_tf.export.export_network import export_network
from kdmri_tf.networks.chebyshev import chebyshev_steps
from kdmri_tf.networks.inference_form import inference_copy

SIZE = (15, 12)


def network(num_convs=2, steps=3, **settings):
    keras.utils.set_random_seed(0)
    return DCCNN(
        *(num_convs, 2, 4),
        complex_images=True,
        noise_weight="learned_steps",
        consistency_steps=steps,
        **settings,
    )


def with_sizes(model):
    """Gives every step another size, as training does."""
    for index, layer in enumerate(model.consistency_weights):
        layer.logarithms.assign(-0.1 * np.arange(1.0, layer.steps + 1) + 0.3 * index)
    return model


def measurement(axis=1, coils=4):
    rng = np.random.default_rng(7)
    mask = gaussian_mask(SIZE, 2, center_lines=3, axis=axis)[np.newaxis]
    image = rng.normal(size=(1, *SIZE, 2)).astype(np.float32)
    maps = None
    if coils > 1:
        maps = rng.normal(size=(1, coils, *SIZE, 2)).astype(np.float32)
        maps /= np.sqrt(np.sum(maps**2, axis=(1, 4), keepdims=True))
    operator = SenseOperator(mask, maps)
    inputs = {"kspace": operator.forward(image), "mask": mask}
    return operator, inputs if maps is None else {**inputs, "sensitivities": maps}, image


@pytest.mark.parametrize("coils", [1, 4])
def test_steps_are_those_of_the_formula(coils):
    operator, inputs, _ = measurement(coils=coils)
    model = with_sizes(network())
    given = expected = tf.random.stateless_normal((1, *SIZE, 2), (0, 1))
    for first, logarithm in zip(chebyshev_steps(3), (-0.1, -0.2, -0.3), strict=True):
        step = operator.adjoint(inputs["kspace"]) - operator.normal(expected)
        expected += first * np.exp(logarithm) * step
    _, measured = model.begin(*inputs.values())
    np.testing.assert_allclose(model.correct(0, given, measured), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("steps", [1, 3])
def test_training_starts_from_the_usual_steps(steps):
    _, inputs, _ = measurement()
    model = network(steps=steps)
    usual = DCCNN(2, 2, 4, complex_images=True, consistency_steps=steps)
    usual.set_weights([weight.numpy() for block in model.blocks for weight in block.weights])
    np.testing.assert_allclose(model(inputs), usual(inputs), rtol=1e-5, atol=1e-5)
    assert model.count_params() == usual.count_params() + 2 * steps


@pytest.mark.parametrize("coils", [1, 4])
def test_every_step_is_trained(coils):
    _, inputs, image = measurement(coils=coils)
    model = network()
    model.compile("adam", "mean_absolute_error")
    model.fit(inputs, image, verbose=0)
    for layer in model.consistency_weights:
        assert (layer.logarithms.numpy() != 0).all()


def test_sizes_keep_their_precision():
    """Also within a network whose convolutions are in bfloat16."""
    _, inputs, image = measurement()
    model = network(dtype="mixed_bfloat16")
    for layer in model.consistency_weights:
        layer.logarithms.assign([0.001, 0.002, 0.003])
    model.compile("adam", "mean_absolute_error")
    model.fit(inputs, image, verbose=0)  # by Adam's first step of 0.001, up or down
    for layer in model.consistency_weights:
        moved = np.abs(layer.logarithms.numpy() - [0.001, 0.002, 0.003])
        np.testing.assert_allclose(moved, 0.001, rtol=0.05)
    _, measured = model.begin(*inputs.values())
    assert model.correct(0, image, measured).dtype == tf.float32


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("coils", [1, 4])
def test_the_form_of_exports_takes_the_same_steps(axis, coils):
    _, inputs, _ = measurement(axis, coils)
    model = with_sizes(network())
    exported = inference_copy(model, consistency_form=("rows", "columns")[axis])
    np.testing.assert_allclose(exported(inputs), model(inputs), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("format", "name"), [("litert", "net.tflite"), ("onnx", "net.onnx")])
def test_exports_agree(tmp_path, format, name):
    layout = {"image_size": (45, 48), "phase_encode_axis": 1, "coils": 3}
    exported = export_network(with_sizes(network()), tmp_path / name, format, **layout)
    assert exported.difference < 1e-5


def test_a_saved_network_is_the_same(tmp_path):
    _, inputs, _ = measurement()
    model = with_sizes(network())
    model.save(tmp_path / "student.keras")
    loaded = load_network(tmp_path / "student.keras")
    assert loaded.hyperparameters == model.hyperparameters
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


def test_a_student_friendly_teacher_trains_the_steps_of_both():
    _, inputs, image = measurement()
    model = StudentFriendlyTeacher(network(3), network(2))
    model.compile("adam")
    model.fit(inputs, image, verbose=0)
    trained = [*model.teacher.consistency_weights, *model.student.consistency_weights[1:]]
    assert all((layer.logarithms.numpy() != 0).all() for layer in trained)


def test_magnitudes_take_one_step():
    with pytest.raises(InputError, match='"learned_steps" is for complex images: choose "learned"'):
        DCCNN(2, 2, noise_weight="learned_steps")


def test_data_consistency_takes_sizes_for_one_coil():
    operator, inputs, _ = measurement(coils=1)
    layer = DataConsistency(complex_images=True)
    image = tf.random.stateless_normal((1, *SIZE, 2), (0, 1))
    measured = layer.measure(inputs["kspace"], inputs["mask"])
    half = layer.correct(image, measured, [tf.constant(0.5)])
    expected = image + 0.5 * (operator.adjoint(inputs["kspace"]) - operator.normal(image))
    np.testing.assert_allclose(half, expected, atol=1e-5)
