"""`SlicePSNR` against the PSNR of volumes, with whatever batches, weights and slices."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf.evaluation.slice_psnr import SlicePSNR
from kdmri_tf.evaluation.volume_metrics import psnr


@pytest.fixture
def volumes():
    """A target volume and a noisy prediction."""
    generator = np.random.default_rng(0)
    target = generator.uniform(0, 0.8, size=(3, 20, 16)).astype(np.float32)
    return target, target + generator.normal(0, 0.3, size=target.shape).astype(np.float32)


def slice_psnr(target, prediction):
    """PSNR of every slice by itself."""
    return [psnr(a[None], b[None]) for a, b in zip(target, prediction, strict=True)]


def test_slice_psnr_does_not_depend_on_the_batches(volumes):
    target, prediction = volumes
    target = target * np.array([1, 0.5, 0.1], np.float32)[:, None, None]
    metric = SlicePSNR()
    metric.update_state(target[..., None], prediction[..., None])
    at_once = float(metric.result())
    metric.reset_state()
    for start in range(3):
        one = slice(start, start + 1)
        metric.update_state(target[one, ..., None], prediction[one, ..., None])
    assert at_once == pytest.approx(np.mean(slice_psnr(target, prediction)), rel=1e-5)
    assert float(metric.result()) == pytest.approx(at_once, rel=1e-6)


def test_slice_psnr_honours_sample_weights(volumes):
    target, prediction = volumes
    weights = np.array([1, 0, 3], np.float32)
    metric = SlicePSNR()
    metric.update_state(target[..., None], prediction[..., None], sample_weight=weights)
    expected = np.average(slice_psnr(target, prediction), weights=weights)
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


def test_slice_psnr_of_perfect_blank_and_broken_slices(volumes):
    target, prediction = volumes
    metric = SlicePSNR()
    metric.update_state(target[:1, ..., None], target[:1, ..., None])
    assert float(metric.result()) == pytest.approx(100)
    metric.reset_state()
    target[0] = 0
    metric.update_state(target[..., None], prediction[..., None])
    expected = np.mean(slice_psnr(target[1:], prediction[1:]))
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)
    prediction[1] = np.nan
    metric.update_state(target[..., None], prediction[..., None])
    assert np.isnan(float(metric.result()))


def test_slice_psnr_in_a_compiled_model_and_its_configuration(volumes):
    target, prediction = volumes
    metric = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(SlicePSNR(name="slice_psnr"))
    )
    assert isinstance(metric, SlicePSNR)
    assert metric.name == "slice_psnr"
    model = keras.Sequential([keras.Input((20, 16, 1)), keras.layers.Identity()])
    model.compile(loss="mae", metrics=[metric])
    values = model.evaluate(
        prediction[..., None], target[..., None], batch_size=2, verbose=0, return_dict=True
    )
    assert values["slice_psnr"] == pytest.approx(np.mean(slice_psnr(target, prediction)), rel=1e-5)


@pytest.mark.parametrize("shape", [(3, 1), (3, 1, 1), (3, 1, 1, 1)])
def test_weights_of_slices_in_every_shape_that_keras_takes(volumes, shape):
    weights = np.array([1, 0, 3], np.float32)
    metric, expected = SlicePSNR(), SlicePSNR()
    target, prediction = (volume[..., None] for volume in volumes)
    expected.update_state(target, prediction, sample_weight=weights)
    metric.update_state(target, prediction, sample_weight=weights.reshape(shape))
    assert float(metric.result()) == pytest.approx(float(expected.result()), rel=1e-6)
    metric.reset_state()
    assert float(metric.result()) == 0
    metric.update_state(target, prediction, sample_weight=2.0)
    assert float(metric.result()) == pytest.approx(np.mean(slice_psnr(*volumes)), rel=1e-5)


@pytest.mark.parametrize("channel", [False, True])
@pytest.mark.parametrize("masked", [False, True], ids=["weights", "Keras mask"])
def test_weights_of_pixels(volumes, channel, masked):
    """Pixels of weight 0 are as good as absent, and so are slices without others."""
    target, prediction = volumes
    weights = np.zeros(target.shape, np.float32)
    weights[1:, 4:9, 2:11] = 1
    metric = SlicePSNR()
    given = tf.constant(weights[..., None] if channel else weights)
    target, prediction = (tf.constant(volume[..., None]) for volume in (target, prediction))
    if masked:
        prediction._keras_mask = given > 0
        given = None
    metric.update_state(target, prediction, sample_weight=given)
    peaks = volumes[0][1:].max(axis=(1, 2))
    errors = ((volumes[0] - volumes[1])[1:, 4:9, 2:11] ** 2).mean(axis=(1, 2))
    expected = np.mean(-10 * np.log10(errors / peaks**2))
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


def test_images_without_a_channel(volumes):
    metric = SlicePSNR()
    for target in (volumes[0], volumes[0][..., None]):
        metric.update_state(target, volumes[1][..., None])
    assert float(metric.result()) == pytest.approx(np.mean(slice_psnr(*volumes)), rel=1e-5)


def test_callbacks_know_that_more_is_better(volumes):
    target, prediction = (volume[..., None] for volume in volumes)
    model = keras.Sequential([keras.Input((20, 16, 1)), keras.layers.Conv2D(1, 1)])
    model.compile(loss="mae", metrics=[SlicePSNR()])
    stop = keras.callbacks.EarlyStopping("val_psnr", patience=1)
    model.fit(prediction, target, validation_data=(prediction, target), callbacks=[stop], verbose=0)
    assert stop.monitor_op is keras.ops.greater
