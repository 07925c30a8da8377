"""A fused function has the values and gradients of the function itself, in float32 and bfloat16."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf.compute.xla_fusion import fused
from kdmri_tf.distillation.feature_losses import FEATURE_LOSSES, feature_loss


def weighted_products(first, second):
    """`(batch, 4)`, with another gradient for each tensor."""
    return tf.reduce_sum(tf.square(first) * second, axis=1)


def tensors(dtype=tf.float32, batch=3):
    generator = np.random.default_rng(0)
    return [tf.cast(generator.normal(size=(batch, 5, 4)), dtype) for _ in range(2)]


def value_and_gradients(function, arguments):
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        result = tf.square(function(*arguments))
    return result, tape.gradient(result, arguments)


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16], ids=lambda dtype: dtype.name)
def test_equals_the_function_and_its_gradients(dtype):
    arguments = tensors(dtype)
    result, gradients = value_and_gradients(fused(weighted_products), arguments)
    expected_result, expected = value_and_gradients(
        weighted_products, [tf.cast(argument, tf.float32) for argument in arguments]
    )
    assert result.dtype == tf.float32
    np.testing.assert_allclose(result, expected_result, rtol=1e-5)
    rounding = 2**-8 if dtype == tf.bfloat16 else 1e-5
    for ours, theirs in zip(gradients, expected, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(tf.cast(ours, tf.float32), theirs, rtol=rounding, atol=1e-6)


def test_batches_of_any_size_in_a_graph():
    function = fused(weighted_products)

    @tf.function(input_signature=[tf.TensorSpec((None, 5, 4))] * 2)
    def in_graph(*arguments):
        return value_and_gradients(function, list(arguments))

    for batch in (1, 2, 4):
        result, gradients = in_graph(*tensors(batch=batch))
        expected_result, expected = value_and_gradients(weighted_products, tensors(batch=batch))
        np.testing.assert_allclose(result, expected_result, rtol=1e-5)
        np.testing.assert_allclose(gradients, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", FEATURE_LOSSES)
def test_losses_take_activations_in_bfloat16(method):
    """They compute in float32 what a step of mixed precision gives them."""
    loss, generator = feature_loss(method), np.random.default_rng(0)
    teacher, student = (
        [tf.cast(generator.normal(size=(3, 6, 5, 4)), tf.bfloat16) for _ in range(3)]
        for _ in range(2)
    )

    def value(teacher, student):
        return loss.compare(loss.describe(teacher), loss.describe(student))

    with tf.GradientTape() as tape:
        tape.watch(student)
        ours = value(teacher, student)
    gradients = tape.gradient(ours, student)
    in_float32 = keras.tree.map_structure(lambda x: tf.cast(x, tf.float32), (teacher, student))
    with tf.GradientTape() as tape:
        tape.watch(in_float32[1])
        expected = value(*in_float32)
    assert ours.dtype == tf.float32
    assert float(ours) == pytest.approx(float(expected), rel=1e-5)
    for gradient, of_float32 in zip(gradients, tape.gradient(expected, in_float32[1]), strict=True):
        assert gradient.dtype == tf.bfloat16
        np.testing.assert_allclose(
            tf.cast(gradient, tf.float32),
            of_float32,
            rtol=2**-6,
            atol=2**-8 * np.abs(of_float32).max(),
        )
