"""Attention transfer equals the paper's equation and stays finite where it could divide by zero."""

import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import AttentionTransfer


def features(seed, shape=(2, 6, 5, 4), count=3):
    generator = np.random.default_rng(seed)
    return [tf.constant(generator.normal(size=shape), tf.float32) for _ in range(count)]


def reference(teacher, student):
    """KD-MRI's equation, sample by sample, in NumPy."""
    total = 0.0
    for t, s in zip(teacher, student, strict=True):
        distances = []
        for sample_t, sample_s in zip(t.numpy(), s.numpy(), strict=True):
            q_t, q_s = ((a.astype(float) ** 2).sum(-1).ravel() for a in (sample_t, sample_s))
            distances.append(np.linalg.norm(q_s / np.linalg.norm(q_s) - q_t / np.linalg.norm(q_t)))
        total += np.mean(distances)
    return total


def test_equals_the_equation():
    teacher, student = features(0), features(1)
    loss = AttentionTransfer()(teacher, student)
    assert float(loss) == pytest.approx(reference(teacher, student))


def test_batch_of_one_is_not_zero():
    """The released code's batch normalisation would make it zero."""
    assert AttentionTransfer()(features(0, (1, 6, 5, 4)), features(1, (1, 6, 5, 4))) > 0.1


def test_scale_of_a_sample_does_not_matter():
    teacher, student = features(0), features(1)
    scaled = [feature * tf.reshape([10.0, 0.1], (2, 1, 1, 1)) for feature in student]
    assert float(AttentionTransfer()(teacher, scaled)) == pytest.approx(
        float(AttentionTransfer()(teacher, student)), rel=1e-5
    )


@pytest.mark.parametrize("case", ["equal", "all zero"])
def test_value_and_gradient_are_finite_where_norms_vanish(case):
    teacher = features(0)
    student = [tf.identity(feature) if case == "equal" else feature * 0 for feature in teacher]
    with tf.GradientTape() as tape:
        tape.watch(student)
        loss = AttentionTransfer()(teacher, student)
    assert float(loss) == pytest.approx(0 if case == "equal" else 3, abs=1e-6)
    assert all(np.isfinite(gradient).all() for gradient in tape.gradient(loss, student))


def test_bfloat16_features_are_summed_in_float32():
    teacher, student = features(0), features(1)
    halved = [tf.cast(feature, tf.bfloat16) for feature in student]
    loss = AttentionTransfer()(teacher, halved)
    assert loss.dtype == tf.float32
    exact = reference(teacher, [tf.cast(feature, tf.float32) for feature in halved])
    assert float(loss) == pytest.approx(exact, rel=1e-5)
