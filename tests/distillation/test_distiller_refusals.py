"""What a distiller refuses or warns of, and what it asks of the networks that users bring."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import DCCNN, AttentionTransfer, Distiller, InputError


class Pointwise(keras.Model):
    """A user's own network; `change` makes another image of what it gives."""

    def __init__(self, filters, change=None):
        super().__init__()
        self.features = keras.layers.Conv2D(filters, 1)
        self.image = keras.layers.Conv2D(1, 1)
        self.change = change

    def call(self, image, return_features=False):
        feature = self.features(image)
        image = self.image(feature)
        image = self.change(image) if self.change else image
        return (image, [feature]) if return_features else image


def test_users_own_networks():
    """Any model with `return_features` will do, with another input structure as well."""
    keras.utils.set_random_seed(0)
    image = np.random.default_rng(0).uniform(size=(4, 8, 8, 1)).astype(np.float32)
    student, teacher = Pointwise(2), Pointwise(4)
    distiller = Distiller(teacher, student)
    distiller.compile(
        keras.optimizers.Adam(0.01), AttentionTransfer(), feature_weight=0.1, imitation_weight=0.0
    )
    logs = distiller.fit(image, image * 2, epochs=10, verbose=0).history
    assert logs["loss"][-1] < logs["loss"][0]


WRONG_IMAGES = {
    "no channel": lambda image: image[..., 0],
    "two channels": lambda image: tf.concat([image, image], axis=-1),
    "one pixel": lambda image: tf.reduce_mean(image, axis=(1, 2), keepdims=True),
    "one slice": lambda image: image[:1],
    "other size": lambda image: image[:, 1:],
}


@pytest.mark.parametrize("known", [True, False], ids=["known shapes", "unknown shapes"])
@pytest.mark.parametrize("role", ["teacher", "student", "cache"])
@pytest.mark.parametrize("change", WRONG_IMAGES.values(), ids=WRONG_IMAGES)
def test_images_that_would_broadcast_are_refused(change, role, known):
    teacher, student = (
        Pointwise(2, change if name == role else None) for name in ("teacher", "student")
    )
    distiller = Distiller(teacher, student)
    distiller.compile("sgd")
    image = np.random.default_rng(0).uniform(size=(2, 8, 8, 1)).astype(np.float32)
    inputs = image
    if role == "cache":
        teacher, student = DCCNN(2, 1, filters=2), DCCNN(2, 1, filters=2)
        distiller = Distiller(teacher, student)
        distiller.compile("sgd")
        inputs = {
            "kspace": np.zeros((2, 8, 8, 2), np.float32),
            "mask": np.ones((2, 8, 8), np.float32),
            "teacher_outputs": {"image": change(image)},
        }
    if known:
        whose = "teacher cache" if role == "cache" else role
        message = rf"The {whose} must give images shaped like the target, \(2, 8, 8, 1\); got \("
        with pytest.raises(InputError, match=message):
            distiller.train_step((tf.nest.map_structure(tf.constant, inputs), tf.constant(image)))
        return
    specs = tf.nest.map_structure(
        lambda value: tf.TensorSpec([None, None, None, *value.shape[3:]], value.dtype),
        (inputs, image),
    )
    step = tf.function(
        lambda *batch: distiller.test_step(batch), input_signature=specs, autograph=False
    )
    # At once where the rank or the channels tell, else when the graph runs.
    with pytest.raises(
        (InputError, tf.errors.InvalidArgumentError),
        match="must give images shaped like the target",
    ):
        step(inputs, image)


def test_a_network_without_features_is_named():
    image = np.zeros((2, 8, 8, 1), np.float32)
    networks = Pointwise(2), Pointwise(2)
    distiller = Distiller(*networks)
    distiller.compile("sgd", AttentionTransfer(), run_eagerly=True)
    distiller.evaluate(image, image, verbose=0)
    for role, network in zip(("teacher", "student"), networks, strict=True):
        call, network.call = network.call, lambda image, return_features=False: image
        with pytest.raises(
            InputError, match=rf"The {role}, called with return_features=True, must"
        ):
            distiller.evaluate(image, image, verbose=0)
        network.call = call


def test_keras_vocabulary(networks):
    """The order of `keras.distillation.Distiller`, by position and by name, and its arguments."""
    teacher, student = networks
    for distiller in (
        Distiller(teacher, student),
        Distiller(student=student, teacher=teacher),
    ):
        assert (distiller.teacher, distiller.student) == (teacher, student)
    with pytest.warns(UserWarning, match=r"student costs more .* takes the teacher first"):
        Distiller(student, teacher)
    for name in ("distillation_losses", "distillation_loss_weights", "student_loss_weight"):
        with pytest.raises(InputError, match=f"^{name} is an argument of keras.dist.* to compile"):
            Distiller(teacher, student, **{name: [1.0]})


def test_every_cascade_frozen_by_itself(networks, batch):
    teacher, student = networks
    distiller = Distiller(teacher, student)
    distiller.compile("adam")
    for block in student.blocks:
        block.trainable = False
    message = r"The student is frozen.*set student\.trainable = True"
    with pytest.raises(InputError, match=message):
        distiller.compile("adam")
    with pytest.raises(InputError, match=message):
        distiller.fit(*batch, verbose=0)


def test_a_former_teacher_is_not_trained_unnoticed(networks):
    """A distiller has frozen it: its weights would stay, or Keras would find none to train."""
    teacher, student = networks
    Distiller(teacher, student)
    frozen = Distiller(DCCNN(5, 2, filters=8), teacher)
    with pytest.raises(InputError, match=r"The student is frozen.*set student\.trainable = True"):
        frozen.compile("adam")
    teacher.trainable = True
    frozen.compile("adam")


def test_same_model_twice(networks):
    with pytest.raises(InputError, match="the same model; distillation needs two"):
        Distiller(networks[0], networks[0])


@pytest.mark.parametrize("with_target", [False, True], ids=["no target", "sample weights"])
def test_only_pairs(networks, batch, with_target):
    distiller = Distiller(*networks)
    distiller.compile("adam")
    data = (*batch, np.ones(2, np.float32)) if with_target else (batch[0],)
    with pytest.raises(InputError, match=r"fitted on .inputs, image. pairs, without sam"):
        distiller.train_step(data)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"imitation_weight": -1.0}, "imitation_weight must not be negative; got -1.0"),
        ({"imitation_weight": 0, "student_loss_weight": 0}, "All loss weights are 0"),
        ({"feature_weight": 1.0}, "feature_weight is 1.0 but there is no feature_loss"),
        ({"loss_weights": [1, 2]}, "student_loss_weight, .* instead of loss_weights"),
        ({"loss": "mse"}, "A Distiller has its own losses; set student_loss_weight, "),
    ],
)
def test_bad_weights(networks, arguments, message):
    with pytest.raises(InputError, match=message):
        Distiller(*networks).compile("adam", **arguments)
