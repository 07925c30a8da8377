"""A convolution block is as wide as it says and starts as the released code does."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import ConvBlock, InputError
from kdmri_tf.compute.last_convolution import convolve_to_image


@pytest.mark.parametrize(
    ("num_convs", "feature_of"), [(2, 1), (3, 2), (4, 2), (5, 3)], ids=lambda value: str(value)
)
def test_feature_is_the_middle_activation(num_convs, feature_of):
    block = ConvBlock(num_convs, filters=4)
    image = np.random.default_rng(0).normal(size=(1, 9, 7, 1)).astype(np.float32)
    update, feature = block(image)
    activation = image
    for conv in block.convs[:feature_of]:
        activation = tf.nn.relu(tf.nn.conv2d(activation, conv.kernel, 1, "SAME") + conv.bias)
    np.testing.assert_allclose(feature, activation, atol=1e-5)
    assert update.shape == (1, 9, 7, 1)
    assert feature.shape == (1, 9, 7, 4)


def test_initial_weights_are_uniform_in_the_bounds_of_the_released_code():
    keras.utils.set_random_seed(0)
    block = ConvBlock(3)
    block.build((None, None, None, 1))
    for conv, fan_in in zip(block.convs, (9, 288, 288), strict=True):
        bound = 1 / np.sqrt(fan_in)
        for values in (conv.kernel.numpy(), conv.bias.numpy()):
            assert np.abs(values).max() <= bound
        assert conv.kernel.numpy().std() == pytest.approx(bound / np.sqrt(3), rel=0.1)


def test_a_block_that_starts_at_zero_keeps_the_strength_of_its_signal():
    keras.utils.set_random_seed(0)
    block = ConvBlock(8, filters=64, starts_at_zero=True)
    image = np.random.default_rng(0).normal(size=(1, 20, 20, 1)).astype(np.float32)
    update, feature = block(image)
    np.testing.assert_array_equal(update, tf.zeros_like(update))
    strength = np.sqrt(np.mean(np.square(feature)))  # behind four convolutions
    assert 0.3 < strength < 3


@pytest.mark.parametrize("channels", [1, 2, 4, 8])
@pytest.mark.parametrize("shape", [(2, 9, 7, 5), (1, 1, 6, 32), (3, 8, 8, 1)], ids=str)
def test_the_last_convolution_has_tensorflows_values_and_gradients(shape, channels):
    random = np.random.default_rng(0)
    activation, kernel, weights = (
        tf.constant(random.normal(size=size), tf.float32)
        for size in (shape, (3, 3, shape[-1], channels), (*shape[:-1], channels))
    )
    found = []
    for convolve in (convolve_to_image, lambda a, k: tf.nn.conv2d(a, k, 1, "SAME")):
        with tf.GradientTape() as tape:
            tape.watch([activation, kernel])
            output = convolve(activation, kernel)
        found.append([output, *tape.gradient(output, [activation, kernel], weights)])
    for ours, expected in zip(*found, strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_the_split_form_computes_the_same(dtype):
    keras.utils.set_random_seed(0)
    block = ConvBlock(3, filters=5, dtype=dtype)
    image = np.random.default_rng(0).normal(size=(2, 9, 7, 1)).astype(np.float32)
    expected, feature = block(image)
    block.splits_last = True
    split, same = block(image)
    np.testing.assert_allclose(split, expected, atol=1e-6 if dtype == "float32" else 3e-2)
    np.testing.assert_array_equal(same, feature)


@pytest.mark.parametrize(("num_convs", "filters"), [(1, 32), (3, 0)])
def test_bad_block(num_convs, filters):
    with pytest.raises(InputError, match="at least 2 convolutions, 1 filter and 1 channel"):
        ConvBlock(num_convs, filters)


def test_config_round_trip():
    block = ConvBlock(3, 8, starts_at_zero=True)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(block))
    assert type(copy) is ConvBlock
    assert copy.get_config() == block.get_config()
