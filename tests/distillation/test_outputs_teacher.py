"""Outputs of one teacher are not taken for those of another."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import DCCNN, AttentionTransfer, Distiller, InputError, cache_teacher
from kdmri_tf.distillation.outputs_teacher import check_teacher

REFUSAL = r"hold the outputs of another teacher .*: call cache_teacher with this teacher again"


class Scaled(keras.Model):
    """A teacher of another kind, which gets its weights when it is first called."""

    def build(self, shapes):
        self.factor = self.add_weight(initializer="ones")

    def call(self, inputs):
        return self.factor * tf.abs(inputs["kspace"][..., :1])


TEACHERS = {"DCCNN": lambda: DCCNN(2, 1, filters=2), "of another kind": Scaled}


def distiller_of(teacher):
    distiller = Distiller(teacher, DCCNN(2, 1, filters=2))
    distiller.compile("sgd")
    return distiller


def further(teacher):
    """Changes a teacher as training does."""
    teacher.set_weights([weight + 0.1 for weight in teacher.get_weights()])


@pytest.mark.parametrize("place", ["memory", "disk"])
@pytest.mark.parametrize("make", TEACHERS.values(), ids=TEACHERS)
@pytest.mark.filterwarnings("ignore:The student costs more")  # than `Scaled`, of one weight
def test_another_teacher_is_refused_wherever_batches_go_in(data, tmp_path, make, place):
    where = {"folder": tmp_path, "memory_budget": 0} if place == "disk" else {}
    teacher = make()
    kept = cache_teacher(teacher, data, **where)
    batches = data.batches("train", 3, teacher_outputs=kept["train"])
    plain = data.batches("train", 3)
    batch = next(iter(batches))
    own = distiller_of(teacher)
    own.fit(batches, validation_data=batches, verbose=0)
    own.evaluate(batches.repeat(2).take(2), verbose=0)
    own.train_on_batch(*batch)
    own.test_on_batch(*batch)
    own.fit(*batch, verbose=0)

    other = make()
    other(next(iter(plain))[0])
    further(other)
    further(teacher)
    for distiller in (distiller_of(other), own):
        distiller.fit(plain, verbose=0)
        before = distiller.student.get_weights()
        for refused in (
            lambda distiller=distiller: distiller.fit(batches.take(1), verbose=0),
            lambda distiller=distiller: distiller.fit(plain, validation_data=batches, verbose=0),
            lambda distiller=distiller: distiller.evaluate(batches, verbose=0),
            lambda distiller=distiller: distiller.train_on_batch(*batch),
            lambda distiller=distiller: distiller.test_on_batch(*batch),
        ):
            with pytest.raises(InputError, match=REFUSAL):
                refused()
        for weight, expected in zip(distiller.student.get_weights(), before, strict=True):
            np.testing.assert_array_equal(weight, expected)
    again = cache_teacher(teacher, data, **where)
    own.fit(data.batches("train", 3, teacher_outputs=again["train"]), verbose=0)


def test_a_copy_of_the_teacher_is_that_teacher(data):
    """In another precision and under a strategy, too, as the stages of an experiment have it."""
    teacher = DCCNN(2, 1, filters=2)
    kept = cache_teacher(teacher, data, AttentionTransfer())
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        copy, other = (DCCNN(2, 1, filters=2, dtype="mixed_bfloat16") for _ in range(2))
        copy.set_weights(teacher.get_weights())
        distillers = [distiller_of(network) for network in (copy, other)]
    shared = data.batches("train", 3, seed=1, teacher_outputs=kept["train"], strategy=strategy)
    distillers[0].fit(shared, steps_per_epoch=2, verbose=0)
    with pytest.raises(InputError, match=REFUSAL):
        distillers[1].fit(shared, steps_per_epoch=2, verbose=0)


@pytest.mark.parametrize(
    "batches",
    [
        *(None, np.zeros((2, 8, 8, 1)), ({"kspace": 0}, 1), ({"teacher_outputs": {"image": 0}}, 1)),
        *(iter(()), ()),
    ],
)
def test_batches_that_do_not_say_pass(batches):
    check_teacher(DCCNN(2, 1, filters=2), batches)
