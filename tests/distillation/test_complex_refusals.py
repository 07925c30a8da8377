"""Complex numbers are refused by what trains networks and by losses of features."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import (
    DCCNN,
    AttentionTransfer,
    Distiller,
    InputError,
    StudentFriendlyTeacher,
    cache_teacher,
)

REFUSAL = "must hold real numbers, not complex64"


class Turned(keras.Model):
    """A teacher whose image or whose activation is complex."""

    def __init__(self, complex_image):
        super().__init__()
        self.complex_image = complex_image

    def call(self, inputs, training=False, return_features=False):
        image = inputs["kspace"][..., :1]
        turned = tf.complex(image, image)
        image, feature = (turned, image) if self.complex_image else (image, turned)
        return (image, [feature]) if return_features else image

    def get_config(self):
        return {"complex_image": self.complex_image}


@pytest.mark.parametrize("kind", [Distiller, StudentFriendlyTeacher])
def test_as_targets(kind, joint_networks, inputs, images):
    model = kind(*joint_networks)
    model.compile("sgd")
    for use in (model.fit, model.evaluate):
        with pytest.raises(InputError, match=f"target {REFUSAL}"):
            use(inputs, images * np.exp(1j).astype("complex64"), verbose=0)


@pytest.mark.parametrize("complex_image", [True, False])
def test_of_a_teacher(complex_image, inputs, images):
    distiller = Distiller(Turned(complex_image), DCCNN(2, 1, filters=2))
    weights = {"imitation_weight": 1.0} if complex_image else {"feature_loss": "at"}
    distiller.compile("sgd", **weights, run_eagerly=True)
    whose = "The image" if complex_image else "An activation"
    with pytest.raises(InputError, match=f"{whose} of the teacher {REFUSAL}"):
        distiller.fit(inputs, images, verbose=0)


def test_of_a_teacher_whose_outputs_are_kept(data, capsys):
    with pytest.raises(InputError, match=f"An activation of the teacher {REFUSAL}"):
        cache_teacher(Turned(complex_image=False), data, "at")
    teacher = Turned(complex_image=True)
    kept = cache_teacher(teacher, data)
    with pytest.warns(UserWarning, match=r"than the teacher \(0\)"):
        distiller = Distiller(teacher, DCCNN(2, 1, filters=2))
    distiller.compile("sgd")
    with pytest.raises(InputError, match=f"The image of the teacher cache {REFUSAL}"):
        distiller.fit(data.batches("train", 2, teacher_outputs=kept["train"]), verbose=0)


def test_in_a_loss_of_features():
    feature = np.ones((2, 8, 8, 3), np.float32)
    turned = (feature * 1j).astype("complex64")
    for pair in ((feature, turned), (turned, feature)):
        with pytest.raises(InputError, match=f"An activation {REFUSAL}"):
            AttentionTransfer()(*([part] for part in pair))
