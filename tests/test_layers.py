"""Data consistency keeps what was measured; a convolution block is as wide as it says."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import ConvBlock, DataConsistency, InputError, fourier


@pytest.fixture(params=[(16, 16), (15, 22), (31, 17)], ids=str)
def sample(request):
    """Image, non-Hermitian noisy k-space and a non-symmetric mask."""
    generator = np.random.default_rng(0)
    image = generator.normal(size=(2, *request.param, 1)).astype(np.float32)
    mask = (generator.uniform(size=(2, *request.param)) < 0.3).astype(np.float32)
    kspace = generator.normal(size=(2, *request.param, 2)).astype(np.float32)
    return image, kspace * mask[..., np.newaxis], mask


def reference(image, kspace, mask, weight):
    """The formula in NumPy; weight = lambda / (1 + lambda)."""
    predicted = np.fft.fft2(image[..., 0], norm="ortho")
    measured = kspace[..., 0] + 1j * kspace[..., 1]
    corrected = predicted + weight * mask * (measured - predicted)
    return np.fft.ifft2(corrected, norm="ortho").real[..., np.newaxis]


@pytest.mark.parametrize(("noise_weight", "weight"), [(None, 1), (0.0, 0), (3.0, 0.75)])
def test_equals_the_formula(sample, noise_weight, weight):
    output = DataConsistency(noise_weight)(*sample)
    np.testing.assert_allclose(output, reference(*sample, weight), atol=1e-5)


def test_measured_samples_come_back_exactly(sample):
    image, _, mask = sample
    kspace = fourier.image_to_kspace(image[::-1].copy()) * mask[..., np.newaxis]
    symmetric = mask * np.roll(mask[:, ::-1, ::-1], (1, 1), axis=(1, 2))
    output = fourier.image_to_kspace(DataConsistency()(image, kspace, mask))
    # Of real images k and -k hold the same; where both were measured the real part changes nothing.
    difference = (output - kspace) * symmetric[..., np.newaxis]
    assert symmetric.any()
    np.testing.assert_allclose(difference, 0, atol=1e-5)


def test_nothing_and_everything_measured(sample):
    image, _, mask = sample
    nothing, everything = np.zeros_like(mask), np.ones_like(mask)
    kspace = fourier.image_to_kspace(image)
    unchanged = DataConsistency()(-image, kspace * 0, nothing)
    np.testing.assert_allclose(unchanged, -image, atol=2e-6)
    np.testing.assert_allclose(DataConsistency()(-image, kspace, everything), image, atol=2e-6)


def test_consistency_is_a_projection(sample):
    image, kspace, mask = sample
    mask = np.maximum(mask, np.roll(mask[:, ::-1, ::-1], (1, 1), axis=(1, 2)))
    kspace = fourier.image_to_kspace(image * 2) * mask[..., np.newaxis]
    once = DataConsistency()(image, kspace, mask)
    np.testing.assert_allclose(DataConsistency()(once, kspace, mask), once, atol=1e-5)


def test_gradient_equals_its_adjoint(sample):
    image, kspace, mask = (tf.constant(value) for value in sample)
    upstream = np.random.default_rng(1).normal(size=image.shape).astype(np.float32)
    with tf.GradientTape() as tape:
        tape.watch(image)
        product = tf.reduce_sum(DataConsistency()(image, kspace, mask) * upstream)
    expected = reference(upstream, np.zeros_like(kspace), mask.numpy(), 1)
    np.testing.assert_allclose(tape.gradient(product, image), expected, atol=1e-5)


def test_takes_numpys_default_types(sample):
    image, kspace, mask = sample
    output = DataConsistency()(image.astype(np.float64), kspace.astype(np.float64), mask > 0)
    assert output.dtype == tf.float32
    np.testing.assert_allclose(output, DataConsistency()(*sample), atol=1e-6)


def test_consistency_stays_in_float32(sample):
    layer = DataConsistency(dtype="mixed_bfloat16")
    assert layer.compute_dtype == "float32"
    np.testing.assert_array_equal(layer(*sample), DataConsistency()(*sample))


@pytest.mark.parametrize("noise_weight", [-1, float("nan"), float("inf")])
def test_bad_noise_weight(noise_weight):
    with pytest.raises(InputError, match=r"noise_weight must be a finite number >= 0.*got"):
        DataConsistency(noise_weight)


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


@pytest.mark.parametrize(("num_convs", "filters"), [(1, 32), (3, 0)])
def test_bad_block(num_convs, filters):
    with pytest.raises(InputError, match="at least 2 convolutions and 1 filter"):
        ConvBlock(num_convs, filters)


@pytest.mark.parametrize("layer", [DataConsistency(2.5), ConvBlock(3, 8)], ids=["dc", "block"])
def test_config_round_trip(layer):
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(copy) is type(layer)
    assert copy.get_config() == layer.get_config()
