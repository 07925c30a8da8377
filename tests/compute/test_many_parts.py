"""A batch in two, three or four parts gives the values, gradients and steps of the whole batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import DCCNN, Distiller, Undersampling, gaussian_mask, phantom_volume
from kdmri_tf.compute import parallel


@pytest.fixture(scope="module")
def pair():
    """Inputs and targets of five slices."""
    images = phantom_volume("brain", (36, 34), num_slices=5, seed=5)[..., np.newaxis]
    degradation = Undersampling(gaussian_mask((36, 34), 3, center_lines=6))
    return degradation.pair(image=tf.constant(images))


def divisions(*quick):
    """Numbers of parts and of slices; all but these are slow."""
    every = [(parts, size) for parts in (2, 3, 4) for size in (4, 5)]
    slow = [pytest.param(*case, marks=pytest.mark.slow) for case in every if case not in quick]
    return pytest.mark.parametrize(("parts", "size"), [*quick, *slow])


@divisions((3, 5), (4, 4))
def test_values_and_gradients_are_those_of_the_whole_batch(monkeypatch, pair, parts, size):
    monkeypatch.setattr(parallel, "_parts", parts)
    keras.utils.set_random_seed(0)
    model = DCCNN(2, 2, filters=4)
    inputs, images = tf.nest.map_structure(lambda value: value[:size], pair)

    def step():
        with tf.GradientTape() as tape:
            image, features = model(inputs, return_features=True)
            loss = tf.reduce_mean(tf.abs(image - images))
        return image, features, tape.gradient(loss, model.trainable_variables)

    divided, whole = tf.function(step)(), step()  # eager: in one piece
    for ours, expected in zip(tf.nest.flatten(divided), tf.nest.flatten(whole), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-6)


@divisions((3, 4))
def test_a_step_of_distillation_is_that_of_the_whole_batch(monkeypatch, pair, parts, size):
    monkeypatch.setattr(parallel, "_parts", parts)
    inputs, images = tf.nest.map_structure(lambda value: value[:size], pair)

    def trained(run_eagerly):
        keras.utils.set_random_seed(0)
        teacher, student = DCCNN(3, 2, filters=4), DCCNN(2, 2, filters=4)
        distiller = Distiller(teacher, student)
        distiller.compile(keras.optimizers.SGD(1.0), "sp", run_eagerly=run_eagerly)
        logs = distiller.train_on_batch(inputs, images, return_dict=True)
        return [*student.get_weights(), *(logs[name] for name in sorted(logs))]

    for ours, expected in zip(trained(False), trained(True), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-6)
