"""Networks of complex images, of one coil and several."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import (
    DCCNN,
    AttentionTransfer,
    DataConsistency,
    Distiller,
    InputError,
    LowResolution,
    SenseOperator,
    StudentFriendlyTeacher,
    Undersampling,
    gaussian_mask,
)
from kdmri_tf.networks.inference_form import inference_copy, serve

SIZE = (15, 12)


def numbers(rng, *shape):
    return rng.normal(size=(*shape, 2)).astype(np.float32)


@pytest.fixture(params=[0, 1], ids=["rows", "columns"])
def axis(request):
    """The phase-encode axis."""
    return request.param


def measurement(axis, coils=3, batch=2):
    """Inputs of a network and the image that they were measured of."""
    rng = np.random.default_rng(axis)
    mask = np.tile(gaussian_mask(SIZE, 2, center_lines=3, axis=axis), (batch, 1, 1))
    image = numbers(rng, batch, *SIZE)
    inputs = {"mask": mask}
    maps = None
    if coils > 1:
        maps = numbers(rng, batch, coils, *SIZE)
        maps /= np.sqrt(np.sum(maps**2, axis=(1, 4), keepdims=True))
        inputs["sensitivities"] = maps
    inputs["kspace"] = SenseOperator(mask, maps).forward(image).numpy()
    return inputs, image


def network(num_convs=2, num_cascades=2, **kwargs):
    keras.utils.set_random_seed(1)
    return DCCNN(num_convs, num_cascades, filters=4, complex_images=True, **kwargs)


@pytest.mark.parametrize(("name", "parameters"), [("D5C5", 144_650), ("D3C5", 52_170)])
def test_two_channels_cost_few_parameters(name, parameters):
    assert DCCNN.from_name(name, complex_images=True).count_params() == parameters


@pytest.mark.parametrize("coils", [1, 3])
def test_images_and_features_have_their_shapes(axis, coils):
    inputs, _ = measurement(axis, coils)
    image, features = network()(inputs, return_features=True)
    assert image.shape == (2, *SIZE, 2)
    assert [feature.shape for feature in features] == [(2, *SIZE, 4)] * 2
    shapes = {name: value.shape for name, value in inputs.items()}
    assert network().compute_output_shape(shapes) == (2, *SIZE, 2)


def test_the_image_without_cascades_is_zero_filled(axis):
    inputs, _ = measurement(axis)
    state, _ = network().begin(inputs["kspace"], inputs["mask"], inputs["sensitivities"])
    expected = SenseOperator(inputs["mask"], inputs["sensitivities"]).adjoint(inputs["kspace"])
    np.testing.assert_allclose(state.image, expected, atol=1e-6)


def test_the_measured_samples_of_one_coil_are_reproduced_exactly(axis):
    inputs, _ = measurement(axis, coils=1)
    operator = SenseOperator(inputs["mask"])
    measured_again = operator.forward(network()(inputs))
    np.testing.assert_allclose(measured_again, inputs["kspace"], atol=2e-6)


def test_the_samples_of_several_coils_are_replaced_coil_by_coil(axis):
    inputs, _ = measurement(axis)
    rng = np.random.default_rng(5)
    image = numbers(rng, 2, *SIZE)
    maps, mask = inputs["sensitivities"], inputs["mask"][:, np.newaxis, ..., np.newaxis]
    everything = SenseOperator(np.ones_like(inputs["mask"]), maps)
    kspace = everything.forward(image).numpy()
    replaced = np.where(mask == 1, inputs["kspace"], kspace)
    layer = DataConsistency(complex_images=True)
    corrected = layer(image, inputs["kspace"], inputs["mask"], maps)
    np.testing.assert_allclose(corrected, everything.adjoint(replaced), atol=2e-6)


@pytest.mark.parametrize("coils", [1, 3])
@pytest.mark.parametrize("form", ["fft", "lines"])
def test_a_noise_weight_goes_part_of_the_way(axis, coils, form):
    """x + w A^H (y - A x), w = lambda / (1 + lambda); a learned w goes as far."""
    inputs, _ = measurement(axis, coils)
    image = numbers(np.random.default_rng(5), 2, *SIZE)
    maps = inputs.get("sensitivities")
    operator = SenseOperator(inputs["mask"], maps)
    step = operator.adjoint(inputs["kspace"] - operator.forward(image))
    form = ("rows", "columns")[axis] if form == "lines" else form
    layer = DataConsistency(3.0, form, complex_images=True)
    corrected = layer(image, inputs["kspace"], inputs["mask"], maps)
    np.testing.assert_allclose(corrected, image + 0.75 * step, atol=2e-6)
    learned = network(noise_weight="learned", consistency_form=form)
    learned.consistency_weights[0].logit.assign(np.log(3.0))
    _, given = learned.begin(inputs["kspace"], inputs["mask"], maps)
    np.testing.assert_allclose(learned.correct(0, image, given), corrected, atol=2e-6)


@pytest.mark.parametrize("coils", [1, 3])
@pytest.mark.parametrize("noise_weight", [None, 3.0, "learned"])
def test_the_form_of_exports_computes_the_same(axis, coils, noise_weight):
    inputs, _ = measurement(axis, coils)
    by_fft = network(noise_weight=noise_weight)
    by_lines = inference_copy(by_fft, consistency_form=("rows", "columns")[axis])
    np.testing.assert_allclose(by_lines(inputs), by_fft(inputs), atol=1e-5)


def test_the_form_of_exports_refuses_other_masks(axis):
    inputs, _ = measurement(axis)
    by_lines = network(consistency_form=("columns", "rows")[axis])
    assert np.isnan(by_lines(inputs)).all()


def test_true_images_of_several_coils_are_kept_by_data_consistency(axis):
    inputs, image = measurement(axis)
    layer = DataConsistency(complex_images=True)
    corrected = layer(image, inputs["kspace"], inputs["mask"], inputs["sensitivities"])
    np.testing.assert_allclose(corrected, image, atol=2e-6)


@pytest.mark.parametrize("form", ["fft", "rows"])
def test_the_gradient_of_data_consistency_is_its_own(form):
    inputs, image = measurement(0)
    layer = DataConsistency(2.0, form, complex_images=True)
    given = layer.measure(inputs["kspace"], inputs["mask"], inputs["sensitivities"])

    def loss(values):
        return tf.reduce_sum(layer.correct(values, given) ** 2)

    image, step = tf.constant(image), 1e-2 * np.sign(image)
    with tf.GradientTape() as tape:
        tape.watch(image)
        value = loss(image)
    slope = np.sum(tape.gradient(value, image) * step)
    difference = (loss(image + step) - loss(image - step)) / 2
    assert slope == pytest.approx(float(difference), rel=1e-3)


def test_one_coil_may_lack_the_axis_of_coils():
    inputs, _ = measurement(0, coils=1)
    model = network()
    flat = {**inputs, "kspace": inputs["kspace"][:, 0]}
    np.testing.assert_array_equal(model(flat), model(inputs))


def test_any_number_of_coils_goes_through_the_same_network():
    model = network()
    for coils in (2, 5):
        assert model(measurement(0, coils)[0]).shape == (2, *SIZE, 2)


def test_a_coil_with_sensitivity_one_is_a_coil_without_sensitivities():
    inputs, _ = measurement(0, coils=1)
    ones = np.zeros_like(inputs["kspace"])
    ones[..., 0] = 1
    model = network()
    np.testing.assert_allclose(model({**inputs, "sensitivities": ones}), model(inputs), atol=1e-6)


def test_a_saved_network_is_the_same(tmp_path):
    inputs, _ = measurement(0)
    model = network(noise_weight="learned")
    model.consistency_weights[1].logit.assign(-1.0)
    model.save(tmp_path / "complex.keras")
    loaded = keras.models.load_model(tmp_path / "complex.keras")
    assert loaded.complex_images
    assert loaded.hyperparameters == model.hyperparameters
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


def test_networks_of_magnitudes_keep_their_configuration():
    assert "complex_images" not in DCCNN(2, 1).hyperparameters


def test_serving_names_its_inputs_and_fixes_coils_where_asked():
    shapes = {spec.name: spec.shape.as_list() for spec in serve(network()).input_signature}
    assert shapes == {
        "kspace": [None, None, None, None, 2],
        "mask": [None, None, None],
        "sensitivities": [None, None, None, None, 2],
    }
    of_one = serve(network(), SIZE, 1).input_signature
    shapes = {spec.name: spec.shape.as_list() for spec in of_one}
    coil = [None, 1, *SIZE, 2]
    assert shapes == {"kspace": coil, "mask": [None, *SIZE], "sensitivities": coil}


def test_learned_weights_start_near_one_and_are_trained():
    inputs, image = measurement(0)
    model = network(noise_weight="learned")
    assert [len(weight.weights) for weight in model.consistency_weights] == [1, 1]
    before = [float(weight.logit) for weight in model.consistency_weights]
    np.testing.assert_allclose(tf.sigmoid(before), 0.9, atol=1e-6)
    model.compile("adam", "mean_absolute_error")
    model.fit(inputs, image, epochs=1, verbose=0)
    after = [float(weight.logit) for weight in model.consistency_weights]
    assert all(a != b for a, b in zip(after, before, strict=True))


def test_complex_networks_are_distilled():
    inputs, image = measurement(0)
    teacher, student = network(3), network(2)
    distiller = Distiller(teacher, student)
    distiller.compile("adam", AttentionTransfer())
    before = student.get_weights()
    logs = distiller.fit(inputs, image, verbose=0).history
    assert all(np.isfinite(value).all() for value in logs.values())
    assert any((a != b).any() for a, b in zip(student.get_weights(), before, strict=True))
    expected = np.abs(image - student(inputs)).mean()
    assert distiller.evaluate(inputs, image, verbose=0, return_dict=True)[
        "student_loss"
    ] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("noise_weight", [None, "learned"])
def test_a_student_friendly_teacher_of_complex_images_is_trained(noise_weight):
    inputs, image = measurement(0)
    teacher, student = network(3, noise_weight=noise_weight), network(2, noise_weight=noise_weight)
    model = StudentFriendlyTeacher(teacher, student)
    x_teacher, branches = model.branches(inputs)
    np.testing.assert_allclose(x_teacher, teacher(inputs), atol=1e-6)
    assert branches.shape == (2, 1, *SIZE, 2)
    model.compile("adam")
    logs = model.fit(inputs, image, verbose=0).history
    assert all(np.isfinite(value).all() for value in logs.values())


def test_teacher_and_student_of_different_images_are_refused():
    with pytest.raises(InputError, match="the same kind of images"):
        StudentFriendlyTeacher(network(3), DCCNN(2, 2, filters=4))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sensitivities": None}, "kspace has 3 coils: give their sensitivities"),
        ({"sensitivities": np.ones((2, 4, *SIZE, 2))}, r"sensitivities must have the shape of"),
        ({"mask": np.ones((2, 12, 15))}, r"mask must have shape \(batch, height, width\)"),
        ({"kspace": np.ones((2, *SIZE, 2))}, r"kspace must have shape \(batch, coils, height"),
        ({"image": np.ones((2, *SIZE, 2))}, r'takes a dictionary with the keys "kspace" and'),
    ],
)
def test_inputs_that_do_not_fit_are_refused(changes, message):
    inputs, _ = measurement(0)
    inputs |= {name: value for name, value in changes.items() if value is not None}
    for name in [name for name, value in changes.items() if value is None]:
        del inputs[name]
    with pytest.raises(InputError, match=message):
        network()(inputs)


def test_a_network_of_magnitudes_says_which_kind_several_coils_need():
    inputs, _ = measurement(0)
    del inputs["sensitivities"]
    with pytest.raises(InputError, match="make it with complex_images=True"):
        DCCNN(2, 1, filters=4)(inputs)


@pytest.mark.parametrize(
    "degradation", [Undersampling(gaussian_mask(SIZE, 2, center_lines=3)), LowResolution(2.0)]
)
def test_data_of_magnitudes_are_refused(degradation):
    with pytest.raises(InputError, match="of complex images, but the data provides"):
        network().check_degradation(degradation)


def test_an_unknown_noise_weight_is_refused():
    with pytest.raises(
        InputError, match='a number, None, "learned" or "learned_steps"; got \'much\''
    ):
        network(noise_weight="much")
