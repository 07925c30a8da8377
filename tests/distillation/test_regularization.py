"""What networks add to a loss themselves counts as in their own `fit`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import DCCNN, Distiller, StudentFriendlyTeacher

L2 = keras.regularizers.L2


class AddsItsMean(keras.layers.Layer):
    """Gives what it gets and adds its mean to the loss, in training twice."""

    def call(self, image, training=False):
        self.add_loss(tf.reduce_mean(tf.abs(image)) * (2.0 if training else 1.0))
        return image


def network(layer=None, **arguments):
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 1))
    output = keras.layers.Conv2D(1, 3, padding="same", **arguments)(image)
    return keras.Model(image, output if layer is None else layer(output))


@pytest.fixture
def image():
    return np.random.default_rng(0).uniform(0.5, 1, size=(6, 8, 8, 1)).astype(np.float32)


ADDED = {
    "kernel": lambda: network(kernel_regularizer=L2(0.3)),
    "activity": lambda: network(activity_regularizer=L2(0.1)),
    "add_loss": lambda: network(AddsItsMean()),
    "all": lambda: network(AddsItsMean(), kernel_regularizer=L2(0.3), activity_regularizer=L2(0.1)),
}


@pytest.mark.parametrize("made", ADDED.values(), ids=ADDED)
def test_a_student_alone_trains_as_in_its_own_fit(image, made):
    student, alone = made(), made()
    distiller = Distiller(network(), student)
    distiller.compile(keras.optimizers.SGD(0.05), imitation_weight=0, student_loss_weight=1)
    alone.compile(keras.optimizers.SGD(0.05), loss="mean_absolute_error")
    # In batches of four and two slices, trained and validated in turn.
    histories = [
        model.fit(
            *(image, 2 * image),
            batch_size=4,
            epochs=2,
            shuffle=False,
            validation_data=(image, image),
            validation_batch_size=4,
            verbose=0,
        ).history
        for model in (distiller, alone)
    ]
    for weight, expected in zip(student.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-6)
    for name in ("loss", "val_loss"):
        assert histories[0][name] == pytest.approx(histories[1][name], rel=1e-5)
        parts = (histories[0][name.replace("loss", part)] for part in PARTS)
        sums = [mean_error + added for mean_error, added in zip(*parts, strict=True)]
        assert sums == pytest.approx(histories[0][name], rel=1e-5)
        assert min(histories[0][name.replace("loss", "regularization_loss")]) > 0.01


PARTS = ("student_loss", "regularization_loss")


def test_the_teachers_are_none_of_the_students_business(image):
    strict = network(AddsItsMean(), kernel_regularizer=L2(1000.0), activity_regularizer=L2(9.0))
    logs = []
    for teacher in (network(), strict):
        distiller = Distiller(teacher, network())
        distiller.compile("sgd")
        logs.append(distiller.fit(image, image, validation_data=(image, image), verbose=0).history)
    assert logs[0] == logs[1]
    assert not any("regularization" in name for name in logs[1])


def test_it_is_reported_only_as_long_as_there_is_any(image):
    distiller = Distiller(network(), network(kernel_regularizer=L2(0.3)))
    for factor in (0.3, None):
        distiller.student.layers[1].kernel.regularizer = factor and L2(factor)
        distiller.compile("sgd")
        logs = distiller.fit(image, image, verbose=0).history
        assert ("regularization_loss" in logs) == bool(factor)


def test_a_friendly_teacher_has_the_regularizers_of_what_it_trains(joint_networks, batch):
    """Those of the student's first cascade, which is in no branch, are none of them."""
    teacher, student = joint_networks
    kernels = [net.blocks[index].convs[0].kernel for net, index in ((teacher, 0), (student, 1))]
    model = StudentFriendlyTeacher(teacher, student)
    rate = 0.125
    model.compile(keras.optimizers.SGD(rate))
    initial = model.get_weights()
    plain = model.train_on_batch(*batch, return_dict=True)
    moved_plainly = [kernel.numpy() for kernel in kernels]
    model.set_weights(initial)
    before = [kernel.numpy() for kernel in kernels]

    for kernel, factor in zip(kernels, (0.5, 0.25), strict=True):
        kernel.regularizer = L2(factor)
    student.blocks[0].convs[0].kernel.regularizer = L2(1000.0)
    model.compile(keras.optimizers.SGD(rate))
    logs = model.train_on_batch(*batch, return_dict=True)
    added = 0.5 * np.square(before[0]).sum() + 0.25 * np.square(before[1]).sum()
    assert logs["regularization_loss"] == pytest.approx(added, rel=1e-5)
    assert logs["loss"] == pytest.approx(plain["loss"] + added, rel=1e-5)
    for kernel, start, plainly, factor in zip(
        kernels, before, moved_plainly, (0.5, 0.25), strict=True
    ):
        np.testing.assert_allclose(kernel - plainly, -rate * 2 * factor * start, atol=1e-6)

    logs = model.evaluate(*batch, return_dict=True, verbose=0)
    of_teacher = 0.5 * np.square(kernels[0].numpy()).sum()
    error = np.abs(batch[1] - teacher(batch[0])).mean()
    assert logs["regularization_loss"] == pytest.approx(of_teacher, rel=1e-5)
    assert logs["loss"] == pytest.approx(error + of_teacher, rel=1e-5)


def test_without_regularizers_a_friendly_teacher_logs_what_it_did(batch):
    model = StudentFriendlyTeacher(DCCNN(2, 2, filters=2), DCCNN(2, 2, filters=2))
    model.compile("sgd")
    logs = model.fit(*batch, validation_data=batch, verbose=0).history
    assert set(logs) == {
        *("loss", "teacher_loss", "branch_loss", "imitation_loss", "cancelled_share", "val_loss")
    }
