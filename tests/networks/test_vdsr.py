"""VDSR: parameters, golden outputs, saving, export, distillation and evaluation."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from stand_in import randomized

from kdmri_tf import (
    DCCNN,
    VDSR,
    AttentionTransfer,
    Distiller,
    InputError,
    LowResolution,
    evaluate,
    load_super_resolution,
)
from kdmri_tf.networks.saved import describe, load_network
from kdmri_tf.training.run_folder import open_stage


@pytest.fixture
def low(images):
    """The synthetic slices at half their resolution, as a model takes them."""
    return LowResolution(2).apply(images)


@pytest.fixture(scope="module")
def tiny(tiny_source):
    """The tiny data set at half its resolution: 6 slices of 36x34 to train on, 4 to validate."""
    return load_super_resolution("cardiac", 2, **tiny_source)


@pytest.mark.parametrize(
    ("name", "parameters", "feature"), [("VDSR11", 333_569, 6), ("vdsr7", 185_857, 4)]
)
def test_parameters_of_the_paper(name, parameters, feature):
    model = VDSR.from_name(name)
    assert model.count_params() == parameters
    assert model.architecture == name.upper()
    (block,) = model.blocks
    assert block.feature_index + 1 == feature


@pytest.mark.parametrize(("role", "name"), [("teacher", "VDSR11"), ("student", "VDSR7")])
def test_equals_the_released_network(shared, role, name):
    numbers = np.load(shared / "golden" / f"vdsr_{role}.npz")
    model = VDSR.from_name(name, nonnegative=False)
    weights = []
    for conv in range(1, model.num_convs + 1):
        weights.append(numbers[f"conv{conv}_kernel_OIHW"].transpose(2, 3, 1, 0))
        weights.append(numbers[f"conv{conv}_bias"])
    model.set_weights(weights)
    image = model({"low_resolution": numbers["input"][..., np.newaxis]})
    np.testing.assert_allclose(image[..., 0], numbers["output"], atol=1e-5)


def test_without_detail_the_image_stays(low):
    model = VDSR(3, filters=4)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    np.testing.assert_array_equal(model(low), low["low_resolution"])


def test_negative_intensities_become_zero(low):
    free, model = VDSR(2, filters=2, nonnegative=False), VDSR(2, filters=2)
    darker = [np.zeros_like(weight) for weight in model.get_weights()]
    darker[-1] -= 0.2
    for network in (free, model):
        network.set_weights(darker)
    np.testing.assert_allclose(free(low), low["low_resolution"] - 0.2, atol=1e-6)
    assert tf.reduce_min(free(low)) < 0
    np.testing.assert_array_equal(model(low), tf.maximum(free(low), 0))


def test_gives_the_activation_of_the_middle_convolution(low):
    keras.utils.set_random_seed(0)
    model = VDSR(4, filters=5)
    image, features = model(low, return_features=True)
    (block,) = model.blocks
    expected = block.convs[1](block.convs[0](low["low_resolution"]))
    assert isinstance(features, list)
    np.testing.assert_allclose(features[0], expected, atol=1e-6)
    np.testing.assert_array_equal(image, model(low))


def test_starts_as_the_identity(low):
    np.testing.assert_array_equal(VDSR(4, filters=6)(low), low["low_resolution"])


def test_every_weight_gets_a_gradient(low, images):
    keras.utils.set_random_seed(0)
    model = VDSR(4, filters=6)
    last = model.blocks[0].convs[-1].kernel
    last.assign(tf.ones_like(last))  # at its initial 0 no gradient passes
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(low) - images))
    for gradient in tape.gradient(loss, model.trainable_variables):
        assert np.abs(gradient).max() > 0


def test_mixed_precision_keeps_the_image_in_float32(low):
    keras.utils.set_random_seed(0)
    full = randomized(VDSR(3, filters=8))
    mixed = VDSR(3, filters=8, dtype="mixed_bfloat16")
    mixed.set_weights(full.get_weights())
    image, features = mixed(low, return_features=True)
    assert image.dtype == tf.float32
    assert features[0].dtype == tf.bfloat16
    assert {weight.dtype for weight in mixed.weights} == {"float32"}
    np.testing.assert_allclose(image, full(low), atol=0.02)
    mixed.set_weights([np.zeros_like(weight) for weight in mixed.get_weights()])
    # bfloat16 would be off by 1 part in 256.
    np.testing.assert_array_equal(mixed(low), low["low_resolution"])


@pytest.mark.parametrize(
    "arguments",
    [
        {"num_convs": 3},
        {"num_convs": 2, "filters": 5, "nonnegative": False, "dtype": "mixed_bfloat16"},
    ],
)
def test_save_and_load(tmp_path, low, arguments):
    model = randomized(VDSR(**arguments))
    model.save(tmp_path / "model.keras")
    loaded = load_network(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(loaded(low), model(low))


def test_a_stage_keeps_it_in_float32(tmp_path):
    stage = open_stage(tmp_path, "student-VDSR2", {"dataset": "brain", "scale": 4})
    stage.finish(VDSR(2, filters=3, dtype="mixed_bfloat16"))
    network = load_network(stage.model_path)
    assert network.dtype_policy.name == "float32"
    facts = describe(stage.model_path, network)
    assert {name: facts[name] for name in ("scale", "architecture", "num_convs", "filters")} == {
        "scale": 4,
        "architecture": "VDSR2",
        "num_convs": 2,
        "filters": 3,
    }


def test_saved_model(tmp_path, low):
    keras.utils.set_random_seed(0)
    model = randomized(VDSR(3, filters=8))
    assert np.abs(model(low) - low["low_resolution"]).max() > 1e-3
    model.export(tmp_path / "model")
    signature = tf.saved_model.load(tmp_path / "model").signatures["serving_default"]
    _, inputs = signature.structured_input_signature
    assert {name: (spec.dtype, spec.shape.as_list()) for name, spec in inputs.items()} == {
        "low_resolution": (tf.float32, [None, None, None, 1])
    }
    assert list(signature.structured_outputs) == ["image"]
    np.testing.assert_allclose(signature(**low)["image"], model(low), atol=1e-5)


@pytest.mark.parametrize("name", ["VDSR", "D5C5", "VDSR-7", "7", None])
def test_unknown_name(name):
    with pytest.raises(InputError, match="is not a network name; write VDSR and the number"):
        VDSR.from_name(name)


def test_impossible_architecture():
    with pytest.raises(InputError, match="2 convolutions, 1 filter and 1 channel; got 1 conv"):
        VDSR(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda low: low, 'A VDSR takes a dictionary with the key "low_resolution"; got Eager'),
        (lambda low: {"kspace": low, "mask": low}, r"got \['kspace', 'mask'\]"),
        (lambda low: {"low_resolution": low[..., 0]}, r"height, width, 1\); got shape \(2, 45, 36"),
        (lambda low: {"low_resolution": tf.concat([low, low], -1)}, r"got shape \(2, 45, 36, 2\)"),
    ],
)
def test_inputs_that_break_the_contract(low, change, message):
    with pytest.raises(InputError, match=message):
        VDSR(2, filters=2)(change(low["low_resolution"]))


def test_trains_by_plain_keras(tiny):
    keras.utils.set_random_seed(0)
    model = VDSR(3, filters=8)
    model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="mae")
    history = model.fit(tiny.batches("train", 3), epochs=15, verbose=0).history["loss"]
    inputs, image = next(iter(tiny.batches("train", 6)))
    zero_filled = np.abs(inputs["low_resolution"] - image).mean()
    assert history[-1] < 0.97 * zero_filled
    assert model.evaluate(inputs, image, verbose=0) == pytest.approx(
        float(np.abs(model(inputs) - image).mean()), rel=1e-4
    )


def test_distils(tiny):
    """Attention transfer alone, then imitation: by the distiller that serves DCCNN."""
    keras.utils.set_random_seed(0)
    teacher, student = randomized(VDSR(4, filters=8)), VDSR(3, filters=6)
    distiller = Distiller(teacher, student)
    batches = tiny.batches("train", 3, seed=1)
    teacher_before = teacher.get_weights()
    for losses in (
        {
            "feature_loss": AttentionTransfer(),
            "feature_weight": 1.0,
            "imitation_weight": 0.0,
            "student_loss_weight": 0.0,
        },
        {"imitation_weight": 0.5, "student_loss_weight": 0.5},
    ):
        distiller.compile(optimizer=keras.optimizers.Adam(5e-3), **losses)
        history = distiller.fit(batches, epochs=5, verbose=0).history["loss"]
        assert history[-1] < 0.9 * history[0]
    for weight, before in zip(teacher.get_weights(), teacher_before, strict=True):
        np.testing.assert_array_equal(weight, before)


def test_evaluation_beside_zero_filled_and_bicubic(tiny):
    model = VDSR(2, filters=2)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    evaluation = evaluate(
        {"teacher": model},
        tiny.volumes("validation"),
        tiny.degradation,
        progress=False,
        dataset=tiny.dataset,
        source=tiny.source,
        acceleration=tiny.acceleration_label,
    )
    assert list(evaluation.networks) == ["zero-filled", "bicubic", "teacher"]
    assert evaluation.networks["bicubic"] == {"parameters": None, "milliseconds": None}
    title = "cardiac (folder), 2x super-resolution (true acceleration 4.00)"
    assert evaluation.title == title
    psnrs = {name: evaluation.values(name, "psnr") for name in evaluation.networks}
    # Without detail, the network gives back what it sees: the zero-filled image.
    np.testing.assert_allclose(psnrs["teacher"], psnrs["zero-filled"], rtol=1e-5)
    assert (psnrs["bicubic"] > 10).all()
    shown = evaluation.figure_slices[0]
    assert list(shown.reconstructions) == list(evaluation.networks)
    summary = evaluation.summary()
    assert (summary["volumes"], summary["slices"]) == (2, 4)


def test_evaluation_refuses_a_network_of_another_degradation(tiny):
    where = {"dataset": "cardiac", "source": "folder", "acceleration": "2x", "progress": False}
    with pytest.raises(InputError, match='"bicubic" is the row without a network: give'):
        evaluate({"bicubic": VDSR(2)}, tiny.volumes("validation"), tiny.degradation, **where)
    with pytest.raises(
        InputError, match='D2C1 takes "kspace" and "mask", but the data provides "low_r'
    ):
        evaluate({"a": DCCNN(2, 1)}, tiny.volumes("validation"), tiny.degradation, **where)
