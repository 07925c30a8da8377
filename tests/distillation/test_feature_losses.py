"""The five feature losses equal the released code's numbers, and say what they cannot compare."""

import itertools

import golden
import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import InputError
from kdmri_tf.distillation.feature_losses import (
    FEATURE_LOSSES,
    CorrelationCongruence,
    FitNets,
    FlowOfSolution,
    SimilarityPreserving,
    feature_loss,
)

GOLDEN_NAMES = {
    "at": "attention_transfer_sum",
    "fitnets": "fitnets_mean",
    "cc": "correlation_congruence_mean",
    "fsp": "flow_of_solution_mean",
    "sp": "similarity_preserving_mean",
}
EVERY_METHOD = pytest.mark.parametrize("method", FEATURE_LOSSES)


def features(seed, shape=(3, 6, 5, 4), count=3):
    generator = np.random.default_rng(seed)
    return [tf.constant(generator.normal(size=shape), tf.float32) for _ in range(count)]


def value_and_gradient(loss, teacher, student):
    with tf.GradientTape() as tape:
        tape.watch(student)
        value = loss(teacher, student)
    return float(value), tape.gradient(value, student)


@EVERY_METHOD
def test_equals_the_golden_numbers(shared, method):
    numbers = np.load(shared / "golden" / "feature_losses.npz")
    teacher, student = (
        [tf.constant(pair) for pair in golden.channels_last(numbers[f"{role}_features_NCHW"])]
        for role in ("teacher", "student")
    )
    value, gradient = value_and_gradient(feature_loss(method), teacher, student)
    name = GOLDEN_NAMES[method]
    assert value == pytest.approx(float(numbers[name]), abs=1e-5)
    expected = golden.channels_last(numbers[f"{name}_grad_student"])
    np.testing.assert_allclose(gradient, expected, atol=1e-4 * np.abs(expected).max())


def fitnets(teacher, student):
    return ((student - teacher) ** 2).mean()


def similarity(teacher, student):
    def similarities(feature):
        rows = feature.reshape(len(feature), -1)
        return np.stack([row / np.linalg.norm(row) for row in rows @ rows.T])

    return ((similarities(student) - similarities(teacher)) ** 2).mean()


def congruence(teacher, student):
    lack = np.abs(student - teacher)
    return np.mean([(a * b).sum(axis=-1).mean() for a, b in itertools.pairwise(lack)])


@pytest.mark.parametrize(
    ("loss", "reference"),
    [
        (FitNets(), fitnets),
        (SimilarityPreserving(), similarity),
        (CorrelationCongruence(), congruence),
    ],
)
def test_equals_the_formula_on_every_cascade(loss, reference):
    teacher, student = features(0), features(1)
    expected = [reference(t.numpy(), s.numpy()) for t, s in zip(teacher, student, strict=True)]
    assert float(loss(teacher, student)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_flow_equals_the_formula_on_consecutive_cascades():
    teacher, student = features(0), features(1)

    def flow(first, second):
        return np.einsum("bhwc,bhwd->bcd", first, second) / 30

    expected = [
        (flow(student[j], student[j + 1]) - flow(teacher[j], teacher[j + 1])) ** 2 for j in (0, 1)
    ]
    assert float(FlowOfSolution()(teacher, student)) == pytest.approx(np.mean(expected), rel=1e-5)


@EVERY_METHOD
def test_equal_features_have_no_loss_and_a_finite_gradient(method):
    teacher = features(0)
    value, gradient = value_and_gradient(
        feature_loss(method), teacher, [tf.identity(feature) for feature in teacher]
    )
    assert value == pytest.approx(0, abs=1e-6)
    assert all(np.isfinite(part).all() for part in gradient)


@EVERY_METHOD
def test_features_of_zeros_have_a_finite_gradient(method):
    teacher = features(0)
    value, gradient = value_and_gradient(
        feature_loss(method), teacher, [feature * 0 for feature in teacher]
    )
    assert value > 0
    assert all(np.isfinite(part).all() for part in gradient)


@EVERY_METHOD
def test_bfloat16_features_are_compared_in_float32(method):
    teacher, student = features(0), features(1)
    rounded = [tf.cast(feature, tf.bfloat16) for feature in student]
    loss = feature_loss(method)
    value = loss(teacher, rounded)
    assert value.dtype == tf.float32
    exact = loss(teacher, [tf.cast(feature, tf.float32) for feature in rounded])
    assert float(value) == float(exact)


@EVERY_METHOD
def test_sizes_that_are_not_known_beforehand(method):
    loss = feature_loss(method)

    @tf.function(input_signature=[[tf.TensorSpec((None, None, None, 4))] * 3] * 2)
    def graph(teacher, student):
        return loss(teacher, student)

    teacher, student = features(0), features(1)
    assert float(graph(teacher, student)) == pytest.approx(float(loss(teacher, student)), rel=1e-5)


@EVERY_METHOD
def test_a_batch_of_one(method):
    """Nothing to compare with in methods that compare slices: zero, not NaN."""
    loss = feature_loss(method)
    teacher, student = features(0, (1, 6, 5, 4)), features(1, (1, 6, 5, 4))
    value, gradient = value_and_gradient(loss, teacher, student)
    assert (value == 0) == (loss.smallest_batch == 2)
    assert all(np.isfinite(part).all() for part in gradient)


@EVERY_METHOD
def test_descriptions_are_compared_slice_by_slice(method):
    """So a teacher's may be kept and put together again in other batches."""
    loss = feature_loss(method)
    teacher, student = features(0), features(1)
    singles = [loss.describe([feature[b : b + 1] for feature in teacher]) for b in range(3)]
    joined = [tf.concat(parts, axis=0) for parts in zip(*singles, strict=True)]
    value = loss.compare(joined, loss.describe(student))
    assert float(value) == pytest.approx(float(loss(teacher, student)), rel=1e-5)
    sizes = sum(int(tf.size(part)) for part in joined)
    assert loss.is_compact == (sizes < sum(int(tf.size(part)) for part in teacher))


@EVERY_METHOD
def test_other_numbers_of_channels(method):
    loss = feature_loss(method)
    teacher, student = features(0), features(1, (3, 6, 5, 7))
    if loss.needs_equal_channels:
        with pytest.raises(InputError, match=r"\(3, 6, 5, 7\): batch, height, width or channels"):
            loss(teacher, student)
    else:
        assert np.isfinite(loss(teacher, student))


@EVERY_METHOD
def test_other_sizes(method):
    with pytest.raises(
        InputError, match=r"cannot compare .* \(3, 6, 5, 4\) .* \(3, 6, 4, 4\): bat"
    ):
        feature_loss(method)(features(0), features(1, (3, 6, 4, 4)))


@EVERY_METHOD
def test_other_numbers_of_cascades(method):
    with pytest.raises(InputError, match="teacher gives 3 features and the student 2"):
        feature_loss(method)(features(0), features(1, count=2))


def test_flow_needs_two_cascades():
    with pytest.raises(
        InputError, match="FlowOfSolution needs the features of 2 cascades or more; got 1"
    ):
        FlowOfSolution()(features(0, count=1), features(1, count=1))


def test_unknown_method():
    with pytest.raises(InputError, match="'magic'; choose one of at, fitnets, cc, fsp, sp"):
        feature_loss("magic")


@EVERY_METHOD
def test_config_round_trip(method):
    loss = FEATURE_LOSSES[method](name="features")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(copy) is type(loss)
    assert copy.get_config() == loss.get_config()


@EVERY_METHOD
def test_weights_of_slices_are_refused(method):
    """The loss is one number for a batch; Keras would multiply it by each weight."""
    with pytest.raises(InputError, match="one number for a batch, which sample weights cannot"):
        feature_loss(method)(features(0), features(1), sample_weight=np.ones(3))
