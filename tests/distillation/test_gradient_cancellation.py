"""What the imitation of its branches takes from a teacher's gradient, and how to stop it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import StudentFriendlyTeacher
from kdmri_tf.distillation.gradient_cancellation import cancelled_share


def gradients_with_respect_to_the_teachers_last_bias(joint_networks, inputs, images, **arguments):
    """The same of a step without the branches' own gradient: only x_T reaches that bias."""
    teacher, student = joint_networks
    model = StudentFriendlyTeacher(teacher, student)
    model.compile("sgd", branch_weight=0.0, **arguments)
    with tf.GradientTape() as tape:
        _, losses = model._weigh(inputs, images, training=True)
    return tape.gradient(losses["loss"], teacher.blocks[-1].trainable_variables[-2])


def test_a_stopped_gradient_leaves_the_teachers_image_to_the_target(joint_networks, inputs, images):
    gradients = [
        gradients_with_respect_to_the_teachers_last_bias(
            joint_networks, inputs, images, **arguments
        )
        for arguments in (
            {"imitation_weight": 0.0},
            {"imitation_weight": 0.5, "stop_imitation_gradient": True},
            {"imitation_weight": 0.5},
        )
    ]
    np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-5)
    assert np.abs(gradients[2] - gradients[0]).max() > 1e-3 * np.abs(gradients[0]).max()


def test_a_stopped_gradient_still_moves_the_branches(joint_networks, inputs, images):
    teacher, student = joint_networks
    model = StudentFriendlyTeacher(teacher, student)
    model.compile(keras.optimizers.SGD(1.0), 0.0, 0.0, 1.0, stop_imitation_gradient=True)
    before = [weight.numpy() for network in joint_networks for weight in network.weights]
    model.train_on_batch(inputs, images)
    after = [weight.numpy() for network in joint_networks for weight in network.weights]
    moved = [bool((old != new).any()) for old, new in zip(before, after, strict=True)]
    of_teacher, of_student = moved[: len(teacher.weights)], moved[len(teacher.weights) :]
    # The last teacher cascade is in no branch, the first of the student neither.
    assert any(of_teacher[:-6])
    assert not any(of_teacher[-6:])
    assert not any(of_student[:4])
    assert any(of_student[4:])


def test_cancelled_share_of_five_pixels():
    """Two branches; of five pixels the target, x_T and the branches lie in every order."""
    target = np.array([0.0, 0.0, 0.0, 0.5, 0.9])
    image = np.array([0.5, 0.5, 0.5, 0.5, 0.5])
    branches = np.array(
        [
            [0.8, 0.8, 0.1, 0.9, 0.1],  # beyond, beyond, between, (x_T is x), beyond
            [0.9, 0.2, 0.2, 0.1, 0.2],  # beyond, between, between, (x_T is x), beyond
        ]
    )
    shape = (1, 1, 5, 1)
    arguments = [np.float32(a).reshape(shape) for a in (target, image)]
    arguments.append(np.float32(branches).reshape(1, 2, 1, 5, 1))
    assert float(cancelled_share(*arguments, 1.0, 1.0)) == pytest.approx(2 / 5)  # first and last
    assert cancelled_share(*arguments, 1.0, 0.5) == 0
    assert float(cancelled_share(*arguments, 0.5, 0.5)) == pytest.approx(2 / 5)
    assert float(cancelled_share(*arguments, 0.0, 1.0)) == pytest.approx(1 / 5)  # one each side


def test_cancelled_share_counts_two_of_three_branches():
    """Sums of signs are exact, where a mean of -1/3 would be rounded."""
    target, image = (np.full((1, 1, 1, 1), value, np.float32) for value in (0.0, 0.5))
    branches = np.float32([0.8, 0.8, 0.1]).reshape(1, 3, 1, 1, 1)
    assert cancelled_share(target, image, branches, 1.0, 3.0) == 1
    assert cancelled_share(target, image, branches, 1.0, 1.0) == 0


@pytest.mark.parametrize(
    ("arguments", "cancels"),
    [
        ({"imitation_weight": 1.0}, True),
        ({"imitation_weight": 0.0}, False),
        ({"imitation_weight": 0.25}, False),
        ({"imitation_weight": 1.0, "stop_imitation_gradient": True}, False),
    ],
)
def test_training_reports_the_cancelled_share(joint_networks, inputs, images, arguments, cancels):
    model = StudentFriendlyTeacher(*joint_networks)
    model.compile("sgd", **arguments)
    image, branches = model.branches(inputs)
    share = model.train_on_batch(inputs, images, return_dict=True)["cancelled_share"]
    expected = float(cancelled_share(images, image, branches, 1.0, 1.0)) if cancels else 0.0
    assert share == pytest.approx(expected)
    assert (share > 0) == cancels
