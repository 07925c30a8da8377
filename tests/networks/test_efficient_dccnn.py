"""DCCNN beyond the papers: unshuffled, shared, with memory, expanded, with a final cascade."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import DCCNN, Distiller, InputError, StudentFriendlyTeacher, architecture_names
from kdmri_tf.networks.conv_block import ConvBlock
from kdmri_tf.networks.expanded_convolution import ExpandedConvolution
from kdmri_tf.networks.inference_form import inference_copy
from kdmri_tf.networks.pixel_shuffle import pixel_shuffle, pixel_unshuffle

EVERYTHING = "D3C2-unshuffle2-shared-memory3-expansion2-final2"


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("D3C5-unshuffle2", 57_940),
        ("D5C5-unshuffle2", 150_420),
        ("D5C8-unshuffle2", 240_672),
        ("D5C8-unshuffle2-shared", 30_084),
        ("D3C10-unshuffle2", 115_880),
        ("D5C7-unshuffle2-final3", 220_445),
        ("D3C5-shared", 9_857),
    ],
)
def test_names_and_parameters(name, parameters):
    """Those of the first six are worked out in the trials that the architectures come from."""
    model = DCCNN.from_name(name.lower())
    assert model.count_params() == parameters
    assert model.architecture == name
    copy = DCCNN.from_config(model.get_config())
    assert copy.get_config() == model.get_config()


@pytest.mark.parametrize("size", [(6, 8), (7, 8), (5, 9)])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_pixels_come_back(size, factor):
    images = np.random.default_rng(0).normal(size=(2, *size, 3)).astype(np.float32)
    small = pixel_unshuffle(images, factor)
    height, width = (-(-length // factor) for length in size)
    assert tuple(small.shape) == (2, height, width, 3 * factor**2)
    np.testing.assert_array_equal(pixel_shuffle(small, factor, size), images)
    unknown = tf.function(
        lambda images: pixel_unshuffle(images, factor),
        input_signature=[tf.TensorSpec((None, None, None, 3))],
    )
    np.testing.assert_array_equal(unknown(images), small)


def test_an_unshuffled_cascade_by_hand(inputs):
    """Its block sees squares of pixels as channels, mirrored at the end of an odd size."""
    model = DCCNN.from_name("D2C1-unshuffle2", filters=4)
    zero_filled, measurement = model.begin(**{n: tf.constant(v) for n, v in inputs.items()})
    image = zero_filled.image.numpy()
    height, width = image.shape[1:3]
    padded = np.pad(image, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), "symmetric")
    parts = [padded[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]
    update, feature = model.blocks[0](np.concatenate(parts, axis=-1))
    expected = np.zeros_like(padded)
    for channel in range(4):
        expected[:, channel // 2 :: 2, channel % 2 :: 2] += update.numpy()[..., channel, None]
    expected = image + expected[:, :height, :width]
    expected = model.data_consistency.correct(expected, measurement)
    output, features = model(inputs, return_features=True)
    np.testing.assert_allclose(output, expected, atol=1e-6)
    np.testing.assert_array_equal(features[0], feature)
    assert features[0].shape[1:3] == (-(-height // 2), -(-width // 2))
    assert model.feature_factors == [2]


def test_shared_weights_are_those_of_equal_cascades(inputs):
    """Forward, and in the gradient: it is the sum over the cascades."""
    keras.utils.set_random_seed(0)
    shared = DCCNN(3, 4, filters=4, shared=True)
    alike = DCCNN(3, 4, filters=4)
    alike.set_weights(shared.get_weights() * 4)
    np.testing.assert_array_equal(shared(inputs), alike(inputs))
    gradients = []
    for model in (shared, alike):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(inputs) ** 2)
        gradients.append(tape.gradient(loss, model.trainable_variables))
    for index, gradient in enumerate(gradients[0]):
        expected = sum(gradients[1][index + cascade * 6] for cascade in range(4))
        np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-7)


def test_memory_reaches_the_next_cascade(inputs):
    """What the first cascade remembers changes the second, and is empty at first."""
    keras.utils.set_random_seed(0)
    model = DCCNN.from_name("D2C2-unshuffle2-memory3", filters=4)
    assert [block.channels for block in model.blocks] == [7, 7]
    before = model(inputs).numpy()
    kernel = model.blocks[0].convs[-1].kernel
    changed = kernel.numpy()
    changed[..., 4:] += 1  # the channels of memory alone
    kernel.assign(changed)
    assert np.abs(model(inputs) - before).max() > 1e-3
    state, measurement = model.begin(**{n: tf.constant(v) for n, v in inputs.items()})
    state, _ = model.cascade(0, state, measurement)
    assert tuple(state.memory.shape) == (2, 23, 18, 3)
    given = tf.concat([pixel_unshuffle(state.image, 2), state.memory], axis=-1)
    added = model.blocks[1](given)[0][..., 4:]
    last, _ = model.cascade(1, state, measurement)
    np.testing.assert_allclose(last.memory, state.memory + added, atol=1e-5)
    without = model.cascade(1, state._replace(memory=None), measurement)[0].image
    assert np.abs(model(inputs) - without).max() > 1e-3


def test_expanded_convolutions_collapse(inputs):
    model = DCCNN.from_name(EVERYTHING, filters=4)
    collapsed = inference_copy(model)
    assert not any(isinstance(conv, ExpandedConvolution) for conv in collapsed.blocks[0].convs)
    assert collapsed.count_params() < model.count_params()
    assert collapsed.architecture == EVERYTHING.replace("-expansion2", "")
    np.testing.assert_allclose(collapsed(inputs), model(inputs), atol=1e-5)


def test_an_expanded_convolution_begins_as_strong_as_a_plain_one():
    keras.utils.set_random_seed(0)
    kernels = [ConvBlock(3, 32, expansion=expansion, channels=1) for expansion in (1, 4)]
    for block in kernels:
        block.build((None, None, None, 1))
    plain, expanded = (np.std(block.convs[1].kernel) for block in kernels)
    assert expanded == pytest.approx(plain, rel=0.1)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_everything_trains_saves_and_loads(tmp_path, inputs, images, precision):
    keras.utils.set_random_seed(0)
    model = DCCNN.from_name(EVERYTHING, filters=8, dtype=precision)
    model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="mae")
    history = model.fit(inputs, images, epochs=15, verbose=0).history["loss"]
    assert history[-1] < 0.9 * history[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


def test_complex_images_of_several_coils():
    kspace = np.random.default_rng(0).normal(size=(1, 3, 13, 12, 2)).astype(np.float32)
    complex_inputs = {
        "kspace": kspace,
        "mask": np.ones((1, 13, 12), np.float32),
        "sensitivities": np.full_like(kspace, 6**-0.5),
    }
    model = DCCNN.from_name("D2C2-unshuffle2-memory2", filters=4, complex_images=True)
    assert model.blocks[0].channels == 2 * 4 + 2
    output = model(complex_inputs)
    assert output.shape[-1] == 2
    assert np.isfinite(output).all()


@pytest.mark.parametrize("name", ["D2C5-unshuffle2", "D2C2-unshuffle2-final2"])
@pytest.mark.parametrize("method", ["at", "fitnets", "cc", "fsp", "sp"])
def test_features_of_another_size_and_number_are_compared(inputs, images, method, name):
    """A full-resolution teacher of 3 cascades, a student at half resolution, or partly so."""
    teacher = DCCNN(3, 3, filters=4)
    student = DCCNN.from_name(name, filters=4)
    distiller = Distiller(teacher, student)
    distiller.compile("adam", method)
    logs = distiller.fit(inputs, images, epochs=2, verbose=0).history
    assert np.isfinite(logs["feature_loss"]).all()
    assert logs["feature_loss"][0] > 0


def test_branches_of_unshuffled_students_with_memory(inputs, images):
    teacher = DCCNN(3, 3, filters=4)
    student = DCCNN.from_name("D2C3-unshuffle2-shared-memory2", filters=4)
    model = StudentFriendlyTeacher(teacher, student)
    before = [weight.copy() for weight in student.get_weights()]
    model.compile("adam")
    model.fit(inputs, images, epochs=1, verbose=0)
    assert all(np.any(a != b) for a, b in zip(before, student.get_weights(), strict=True))
    _, branches = model.branches({n: tf.constant(v) for n, v in inputs.items()})
    assert branches.shape[1] == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("D3C5-unshuffle9", "unshuffle of D3C5-unshuffle9 must lie between 1 and 8; got 9"),
        ("D3C5-unshuffle0", "must lie between 1 and 8; got 0"),
        ("D3C5-memory257", "must lie between 0 and 256; got 257"),
        ("D3C5-expansion65", "must lie between 1 and 64; got 65"),
        ("D3C5-final1", "final cascade of D3C5-final1 needs at least 2 convolutions"),
        ("D3C5-shared2", "is not a network name"),
        ("D3C5-unshuffle", "is not a network name"),
        ("D3C5-wide2", "is not a network name"),
        ("D3C5-memory2-memory2", "is not a network name"),
    ],
)
def test_names_that_are_refused(name, message):
    with pytest.raises(InputError, match=message):
        DCCNN.from_name(name)


def test_multiply_adds():
    """In units of the pixels of an image: D5C5 and others by the table of the trials."""
    pixels = 240 * 240 / 1e9
    expected = {"D5C5": 8.13, "D3C5": 2.82, "D5C8-unshuffle2": 3.45, "D5C8-unshuffle2-shared": 3.45}
    expected |= {"D3C5-unshuffle2": 0.83, "D5C7-unshuffle2-final3": 3.58}
    for name, billions in expected.items():
        assert DCCNN.from_name(name).multiply_adds * pixels == pytest.approx(billions, abs=0.006)
    collapsed = DCCNN.from_name("D3C5-expansion4").multiply_adds
    assert collapsed == DCCNN.from_name("D3C5").multiply_adds


def test_every_word_is_an_argument():
    assert set(architecture_names.DEFAULTS) < set(DCCNN(2, 1).get_config()) | set(
        DCCNN.from_name(EVERYTHING).get_config()
    )
