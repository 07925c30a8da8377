"""DCCNN: parameters, golden outputs, the contract of its inputs, saving and training by Keras."""

import golden
import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import DCCNN, VDSR, ConvBlock, InputError
from kdmri_tf.networks.inference_form import inference_copy
from kdmri_tf.physics import fourier


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("D5C5", 141_765), ("D4C5", 95_525), ("D3C5", 49_285), ("D2C5", 3_045), ("d3c1", 9_857)],
)
def test_parameters_of_the_papers(name, parameters):
    model = DCCNN.from_name(name)
    assert model.count_params() == parameters
    assert model.architecture == name.upper()


@pytest.mark.parametrize(("role", "architecture"), [("teacher", "D5C5"), ("student", "D3C5")])
def test_equals_the_released_network(shared, role, architecture):
    numbers = np.load(shared / "golden" / f"dccnn_{role}.npz")
    model = golden.network(numbers, architecture)
    image, features = model(golden.inputs(numbers), return_features=True)
    np.testing.assert_allclose(image[..., 0], numbers["output"], atol=1e-5)
    middle = model.blocks[0].feature_index + 1
    for cascade, feature in enumerate(features, start=1):
        activation = numbers[f"cascade{cascade}_conv{middle}_activation"]
        np.testing.assert_allclose(feature, golden.channels_last(activation), atol=1e-5)


def test_weights_come_by_cascade_convolution_kernel_bias():
    paths = [weight.path.split("/")[1:] for weight in DCCNN(2, 2).weights]
    assert paths == [
        [f"cascade{cascade}", f"conv{conv}", kind]
        for cascade in (1, 2)
        for conv in (1, 2)
        for kind in ("kernel", "bias")
    ]


def test_residual_adds_the_input_of_every_cascade(inputs):
    model = DCCNN(2, 1, residual=True)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    zero_filled = fourier.kspace_to_magnitude(inputs["kspace"])
    expected = model.data_consistency(zero_filled, inputs["kspace"], inputs["mask"])
    np.testing.assert_allclose(model(inputs), expected, atol=1e-6)
    without = DCCNN(2, 1, residual=False)
    without.set_weights(model.get_weights())
    assert np.abs(without(inputs) - expected).max() > 0.01


def test_output_agrees_with_the_measured_samples(inputs):
    """k and -k are both measured in a mask made symmetric; then the output must hold them."""
    mask = inputs["mask"] * np.roll(inputs["mask"][:, ::-1, ::-1], (1, 1), axis=(1, 2))
    kspace = inputs["kspace"] * mask[..., np.newaxis]
    output = DCCNN(3, 2)({"kspace": kspace, "mask": mask})
    difference = (fourier.image_to_kspace(output) - kspace) * mask[..., np.newaxis]
    np.testing.assert_allclose(difference, 0, atol=1e-5)


def test_mixed_precision_keeps_kspace_and_image_in_float32(inputs):
    keras.utils.set_random_seed(0)
    full, mixed = DCCNN(3, 2), DCCNN(3, 2, dtype="mixed_bfloat16")
    mixed.set_weights(full.get_weights())
    expected, (image, features) = full(inputs), mixed(inputs, return_features=True)
    assert image.dtype == tf.float32
    assert {feature.dtype for feature in features} == {tf.bfloat16}
    assert {weight.dtype for weight in mixed.weights} == {"float32"}
    np.testing.assert_allclose(image, expected, atol=0.02)
    measured = fourier.image_to_kspace(image) - fourier.image_to_kspace(expected)
    symmetric = inputs["mask"] * np.roll(inputs["mask"][:, ::-1, ::-1], (1, 1), axis=(1, 2))
    # bfloat16 k-space would be off by 1 part in 256, a thousand times this.
    np.testing.assert_allclose(measured * symmetric[..., np.newaxis], 0, atol=1e-5)


def test_works_with_plain_keras(inputs, images):
    keras.utils.set_random_seed(0)
    model = DCCNN(3, 2, filters=8)
    model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="mae")
    history = model.fit(inputs, images, epochs=20, verbose=0).history["loss"]
    assert history[-1] < 0.9 * history[0]
    error = float(np.abs(model(inputs) - images).mean())
    assert model.evaluate(inputs, images, verbose=0) == pytest.approx(error, rel=1e-4)
    np.testing.assert_allclose(model.predict(inputs, verbose=0), model(inputs), atol=1e-5)


@pytest.mark.parametrize(
    "arguments",
    [
        {"num_convs": 3, "num_cascades": 2},
        {"num_convs": 2, "num_cascades": 1, "filters": 5, "residual": False, "noise_weight": 4.0},
        {"num_convs": 2, "num_cascades": 1, "dtype": "mixed_bfloat16"},
    ],
)
def test_save_and_load(tmp_path, inputs, arguments):
    model = DCCNN(**arguments)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


@pytest.mark.parametrize("name", ["D5", "C5D5", "teacher", "D5C5x", None])
def test_unknown_name(name):
    with pytest.raises(InputError, match="is not a network name; write DdCc"):
        DCCNN.from_name(name)


def test_no_cascade():
    with pytest.raises(InputError, match="in at least 1 cascade; got 3 convolutions and 0 cas"):
        DCCNN(3, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda kspace, mask: kspace, 'dictionary with the keys "kspace" and "mask"; got Eager'),
        (lambda kspace, mask: {"kspace": kspace}, r"got \['kspace'\]"),
        (lambda kspace, mask: {"kspace": kspace[..., :1], "mask": mask}, r"kspace must .* 1\)"),
        (lambda kspace, mask: {"kspace": kspace, "mask": mask[:, 1:]}, r"mask \(2, 44, 36\) and k"),
        (lambda kspace, mask: {"kspace": kspace, "mask": mask[0]}, r"mask \(45, 36\) and kspace"),
    ],
)
def test_inputs_that_break_the_contract(inputs, change, message):
    kspace, mask = (tf.constant(inputs[name]) for name in ("kspace", "mask"))
    with pytest.raises(InputError, match=message):
        DCCNN(2, 1)(change(kspace, mask))


@pytest.mark.parametrize("name", ["D3C3", "VDSR4"])
def test_frozen_parts_stay_frozen(name, tmp_path):
    """When the network is saved and loaded, cloned, or made anew from its configuration."""
    network = (VDSR if name.startswith("V") else DCCNN).from_name(name, filters=4)
    assert "frozen" not in network.get_config()
    network.blocks[0].convs[1].trainable = False
    network.blocks[-1].trainable = len(network.blocks) == 1
    network.save(tmp_path / "frozen.keras")
    expected = [variable.path.split("/", 1)[1] for variable in network.trainable_variables]
    assert len(expected) < len(network.variables)
    copies = [
        keras.models.load_model(tmp_path / "frozen.keras"),
        keras.models.clone_model(network),
        inference_copy(network),
    ]
    copies[2].trainable = True  # all of it, by whoever wants to
    assert len(copies[2].trainable_variables) == len(network.variables)
    for copy in copies[:2]:
        found = [variable.path.split("/", 1)[1] for variable in copy.trainable_variables]
        assert found == expected
        assert copy.get_config()["frozen"] == network.get_config()["frozen"]
    network.trainable = False
    frozen = keras.models.clone_model(network)
    assert not any(part.trainable for block in frozen.blocks for part in (block, *block.convs))


def test_frozen_convolutions_of_a_block_of_its_own():
    block = ConvBlock(3, filters=4)
    block.convs[0].trainable = False
    for layer in (block, ConvBlock.from_config(block.get_config())):
        layer.build((None, None, None, 1))  # Keras would make the weights trainable
        assert [conv.trainable for conv in layer.convs] == [False, True, True]
        assert len(layer.trainable_variables) == 4
