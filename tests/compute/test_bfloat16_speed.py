"""Mixed precision rounds convolutions alone, and says where it gains nothing."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import DCCNN, AttentionTransfer, Distiller
from kdmri_tf.compute import bfloat16_speed


def test_speedup_is_that_of_the_fastest_runs(monkeypatch):
    """The first run of each precision compiles; then 3 s and 2 s against 1 s and 4 s."""
    bfloat16_speed.bfloat16_speedup.cache_clear()
    seconds = iter([9.0, 0.1, 3.0, 1.0, 2.0, 4.0])

    def run(step):
        # Not NumPy's, which does not know bfloat16 everywhere.
        assert all(tf.math.is_finite(value) for value in step())
        return next(seconds)

    monkeypatch.setattr(bfloat16_speed, "_seconds", run)
    assert bfloat16_speed.bfloat16_speedup(size=8, channels=2, runs=2) == 2.0
    bfloat16_speed.bfloat16_speedup.cache_clear()


@pytest.mark.parametrize(("speedup", "is_slow"), [(0.61, True), (1.09, True), (1.8, False)])
def test_says_where_it_gains_nothing(monkeypatch, capsys, speedup, is_slow):
    monkeypatch.setattr(bfloat16_speed, "bfloat16_speedup", lambda: speedup)
    bfloat16_speed.report_slow_bfloat16()
    output = capsys.readouterr().out
    assert ("gains nothing on this machine" in output) == is_slow
    assert (f"{speedup:.2f} times its float32 speed" in output) == is_slow


@pytest.mark.parametrize("form", ["auto", "rfft", "fft"])
def test_no_cast_but_around_convolutions(inputs, images, monkeypatch, form):
    """k-space, mask, data consistency, losses and weights are float32; convolutions are not."""
    seen = {"convolution": set(), "consistency": set(), "kspace": set()}
    call, correct = keras.layers.Conv2D.call, DCCNN.cascade

    def watched_call(self, values):
        seen["convolution"].add(values.dtype.name)
        return call(self, values)

    def watched_cascade(self, block, state, measurement):
        seen["consistency"].add(state.image.dtype.name)
        seen["kspace"] |= {value.dtype.name for value in measurement.values()}
        state, feature = correct(self, block, state, measurement)
        seen["consistency"].add(state.image.dtype.name)
        return state, feature

    monkeypatch.setattr(keras.layers.Conv2D, "call", watched_call)
    monkeypatch.setattr(DCCNN, "cascade", watched_cascade)
    student, teacher = (
        DCCNN(convs, 2, filters=4, dtype="mixed_bfloat16", consistency_form=form)
        for convs in (2, 3)
    )
    distiller = Distiller(teacher, student)
    # Eager: a graph fuses convolution, bias and ReLU, which rounds bfloat16 otherwise.
    distiller.compile("adam", AttentionTransfer(), feature_weight=1.0, run_eagerly=True)
    logs = distiller.train_on_batch(inputs, images, return_dict=True)

    assert seen["convolution"] == {"bfloat16"}
    assert seen["consistency"] == {"float32"}
    assert seen["kspace"] <= {"float32", "complex64", "bool"}
    assert {weight.dtype for weight in student.weights} == {"float32"}
    image = student(inputs)
    assert image.dtype == tf.float32
    # The loss that is reported is that of float32 images, which bfloat16 would round to 3 digits.
    second = distiller.evaluate(inputs, images, batch_size=2, return_dict=True, verbose=0)
    assert second["student_loss"] == pytest.approx(np.mean(np.abs(images - image)), rel=1e-5)
    assert np.isfinite(list(logs.values())).all()


def test_measured_samples_survive_mixed_precision(inputs):
    """Replacing k-space in bfloat16 would leave errors of 1e-3 in what was measured."""
    mask = inputs["mask"] * np.roll(inputs["mask"][:, ::-1, ::-1], (1, 1), axis=(1, 2))
    kspace = inputs["kspace"] * mask[..., np.newaxis]
    image = DCCNN(2, 2, filters=4, dtype="mixed_bfloat16")({"kspace": kspace, "mask": mask})
    spectrum = np.fft.fft2(image[..., 0], norm="ortho")
    measured = kspace[..., 0] + 1j * kspace[..., 1]
    np.testing.assert_allclose(spectrum[mask > 0], measured[mask > 0], atol=1e-5)
