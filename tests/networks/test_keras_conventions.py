"""What Keras and tf.data expect of a model: weights of slices, unknown ranks, shapes, summaries."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.testing import TestCase
from needed_packages import needed

from kdmri_tf import (
    DCCNN,
    VDSR,
    DataConsistency,
    Distiller,
    InputError,
    SlicePSNR,
    StudentFriendlyTeacher,
)
from kdmri_tf.networks.inference_form import inference_copy


@pytest.fixture
def network():
    keras.utils.set_random_seed(0)
    return DCCNN(3, 2, filters=4)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1), (-1, 1, 1), (-1, 1, 1, 1)])
@pytest.mark.parametrize("size", [36, 2], ids=["a size", "W equals the batch"])
def test_weights_of_slices(network, inputs, images, shape, size):
    """Keras would broadcast them along the last axis: an error, or weights of columns."""
    inputs = {name: value[:, :, :size] for name, value in inputs.items()}
    images = images[:, :, :size]
    network.compile("sgd", loss="mae", weighted_metrics=["mse", SlicePSNR()])
    weights = np.float32([2, 0])
    logs = network.evaluate(
        *(inputs, images), sample_weight=weights.reshape(shape), verbose=0, return_dict=True
    )
    first = {name: value[:1] for name, value in inputs.items()}
    expected = network.evaluate(first, images[:1], verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(expected["loss"], rel=1e-5)  # a mean over two slices
    assert logs["mse"] == pytest.approx(expected["mse"], rel=1e-5)
    assert logs["psnr"] == pytest.approx(expected["psnr"], rel=1e-5)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1), (-1, 1, 1, 1), "pixels", "pixels, channel"])
def test_weights_of_unknown_rank(network, inputs, images, shape):
    """As generators with `output_types` make them; of slices and of pixels."""
    weights = np.float32([2, 0])
    if isinstance(shape, str):
        weights = np.random.default_rng(0).random(images.shape[: 4 if "," in shape else 3])
    else:
        weights = weights.reshape(shape)
    types = (dict.fromkeys(inputs, tf.float32), tf.float32, tf.float32)
    batches = tf.data.Dataset.from_generator(
        lambda: [(inputs, images, weights)], output_types=types
    )
    batches = batches.apply(tf.data.experimental.assert_cardinality(1))  # or Keras warns
    assert batches.element_spec[2].shape.rank is None
    network.compile("sgd", loss="mae", weighted_metrics=["mse", SlicePSNR()])
    found = network.evaluate(batches, verbose=0, return_dict=True)
    expected = network.evaluate(inputs, images, sample_weight=weights, verbose=0, return_dict=True)
    assert found == pytest.approx(expected, rel=1e-5)


def test_targets_that_would_broadcast_are_refused(network, inputs, images):
    network.compile("sgd", loss="mae")
    for change in (lambda x: np.repeat(x, 2, -1), lambda x: x.mean((1, 2), keepdims=True)):
        with pytest.raises(InputError, match="The target must be images shaped like the network's"):
            network.evaluate(inputs, change(images), verbose=0)


@pytest.mark.slow
@pytest.mark.parametrize("channel", [True, False])
def test_batches_of_unknown_rank(network, inputs, images, channel):
    """As generators with `output_types` and `tf.numpy_function` make them."""
    target = images if channel else images[..., 0]
    types = (dict.fromkeys(inputs, tf.float32), tf.float32)
    batches = tf.data.Dataset.from_generator(lambda: [(inputs, target)], output_types=types)
    batches = batches.apply(tf.data.experimental.assert_cardinality(1))  # or Keras warns
    assert batches.element_spec[1].shape.rank is None
    distiller = Distiller(DCCNN(3, 2, filters=4), DCCNN(2, 2, filters=4))
    for model, arguments in ((network, {"loss": "mae"}), (distiller, {"feature_loss": "at"})):
        model.compile("sgd", metrics=[SlicePSNR()], **arguments)
        model.fit(batches, verbose=0)
        found = model.evaluate(batches, verbose=0, return_dict=True)
        expected = model.evaluate(inputs, images, verbose=0, return_dict=True)
        assert found == pytest.approx(expected, rel=1e-5)
        np.testing.assert_allclose(
            model.predict(batches, verbose=0), model.predict(inputs, verbose=0), atol=1e-6
        )


def test_summary_knows_every_shape(network, capsys):
    VDSR(3, filters=4).summary()
    network.summary()
    printed = capsys.readouterr().out
    assert "unbuilt" not in printed
    assert "?" not in printed
    assert "(None, None, None, 1)" in printed


def test_output_shape(network):
    shapes = {"kspace": (2, 45, 36, 2), "mask": (2, 45, 36)}
    assert network.compute_output_shape(shapes) == (2, 45, 36, 1)
    assert network.blocks[0].compute_output_shape((2, 9, 8, 1)) == ((2, 9, 8, 1), (2, 9, 8, 4))
    assert network.data_consistency.compute_output_shape((2, 9, 8, 1)) == (2, 9, 8, 1)
    assert VDSR(2).compute_output_shape({"low_resolution": (None, 9, 8, 1)}) == (None, 9, 8, 1)


@pytest.mark.parametrize("network_class", [DCCNN, VDSR])
def test_keras_cannot_quantize(network_class, tmp_path, monkeypatch):
    """What is said instead works as it stands, but for what so small a network may lose."""
    network = network_class.from_name("D2C1" if network_class is DCCNN else "VDSR2", filters=2)
    with pytest.raises(InputError, match=r'stay as it is\. Export it .*, quantize="int8"') as error:
        network.quantize("int8")
    needed("onnxruntime")
    monkeypatch.chdir(tmp_path)
    advice = str(error.value).partition("instead: ")[2].removesuffix(").")
    eval(f"{advice}, largest_loss=math.inf)", {"network": network, "math": math})
    assert (tmp_path / "student.onnx").is_file()


@pytest.mark.parametrize("lines", ["rows", "columns", "any"])
def test_compiles_by_xla(network, inputs, lines):
    """With the mask's form found out within the graph."""
    mask = np.zeros((2, 45, 36), np.float32)
    measured = {"rows": mask[:, ::3], "columns": mask[..., ::3], "any": mask[:, ::2, ::3]}
    measured[lines][:] = 1
    inputs = {**inputs, "mask": mask}
    compiled = tf.function(network, jit_compile=True)
    np.testing.assert_allclose(compiled(inputs), network(inputs), atol=1e-5)


@pytest.fixture
def other_keras_json():
    """Channels first and float64, as keras.json can have it."""
    usual = keras.config.image_data_format(), keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_image_data_format("channels_first")
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_image_data_format(usual[0])
    keras.config.set_floatx(usual[1])
    keras.config.set_dtype_policy(usual[2])


@pytest.mark.slow
def test_whatever_keras_json_says(network, inputs, images, other_keras_json):
    for copied in (DCCNN(3, 2, filters=4), inference_copy(network)):
        copied.set_weights(network.get_weights())
        np.testing.assert_allclose(copied(inputs), network(inputs), atol=1e-5)
    teacher, student = DCCNN(3, 2, filters=4), DCCNN(2, 2, filters=4)
    for model, arguments in (
        (teacher, {"loss": "mae"}),
        (StudentFriendlyTeacher(DCCNN(3, 2, filters=4), student), {}),
        (Distiller(DCCNN(3, 2, filters=4), student), {"feature_loss": "at"}),
    ):
        model.compile("sgd", metrics=[SlicePSNR()], **arguments)
        logs = model.fit(inputs, images, validation_data=(inputs, images), verbose=0).history
        assert np.isfinite(list(logs.values())).all()


def test_another_backend_of_keras(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(
        InputError, match=r"Keras computes with torch here.*KERAS_BACKEND=tensorflow"
    ):
        DCCNN(2, 1)


@pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask:UserWarning")
def test_data_consistency_passes_keras_own_test_of_layers():
    class LayerTest(TestCase):
        def runTest(self):
            self.run_layer_test(
                DataConsistency,
                init_kwargs={"noise_weight": 2.0},
                input_shape={
                    "image_shape": (2, 8, 6, 1),
                    "kspace_shape": (2, 8, 6, 2),
                    "mask_shape": (2, 8, 6),
                },
                expected_output_shape=(2, 8, 6, 1),
                expected_num_trainable_weights=0,
                supports_masking=False,
                run_training_check=False,  # which gives all inputs as one
            )

    result = LayerTest().run()
    assert result.wasSuccessful(), result
