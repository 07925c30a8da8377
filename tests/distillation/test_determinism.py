"""Trainings end with the same weights: no sum of gradients depends on memory that is free."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import DCCNN, Distiller, StudentFriendlyTeacher
from kdmri_tf.compute import parallel
from kdmri_tf.distillation.feature_losses import FEATURE_LOSSES


def made(kind):
    """A compiled model, as every stage has one."""
    keras.utils.set_random_seed(1)
    teacher, student = DCCNN(3, 4, filters=4), DCCNN(2, 4, filters=4)
    if kind == "plain":
        teacher.compile("adam", loss="mae")
        model = teacher
    elif kind == "sft":
        model = StudentFriendlyTeacher(teacher, student)
        model.compile("adam")
    else:
        model = Distiller(teacher, student)
        model.compile("adam", kind)
    model.optimizer.build(model.trainable_variables)
    return model


def sums_in_any_order(graph):
    """The AddN operations with three addends or more, of a graph and the functions in it."""
    definition = graph.as_graph_def()
    functions = (node for f in definition.library.function for node in f.node_def)
    return [
        node.name
        for node in (*definition.node, *functions)
        if node.op == "AddN" and sum(not name.startswith("^") for name in node.input) > 2
    ]


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("kind", ["plain", "sft", *FEATURE_LOSSES])
def test_no_sum_of_three_in_a_training_step(monkeypatch, inputs, images, kind, parts):
    monkeypatch.setattr(parallel, "_parts", parts)
    model = made(kind)
    specs = tf.nest.map_structure(
        lambda value: tf.TensorSpec((None, *value.shape[1:]), value.dtype), (inputs, images)
    )
    step = tf.function(lambda *data: model.train_step(data), input_signature=specs)
    assert sums_in_any_order(step.get_concrete_function().graph) == []


def test_such_sums_are_found():
    @tf.function
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.sin(x) + tf.cos(x) + tf.exp(x)
        return tape.gradient(y, x)

    assert sums_in_any_order(gradient.get_concrete_function(tf.zeros(3)).graph) == ["AddN"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sft", "fsp"])
def test_four_trainings_end_with_the_same_weights(kind):
    images = np.random.default_rng(0).random((16, 32, 32, 1), np.float32)
    mask = np.zeros((16, 32, 32), np.float32)
    mask[:, ::3] = 1
    kspace = np.fft.fft2(images[..., 0], norm="ortho") * mask
    inputs = {"kspace": np.stack([kspace.real, kspace.imag], -1), "mask": mask}
    endings = set()
    for _ in range(4):
        model = made(kind)
        model.fit(inputs, images, batch_size=4, epochs=3, shuffle=False, verbose=0)
        endings.add(b"".join(weight.tobytes() for weight in model.get_weights()))
    assert len(endings) == 1
