"""Losses that compare the features of a teacher and a student, one class a method.

Every loss is called as `loss(teacher_features, student_features)` with two lists, one activation
`(batch, H, W, channels)` a cascade, and gives a float32 scalar.
"""

import keras
from keras import ops

from kdmri_tf.errors import InputError

# Below this a squared norm counts as zero, which keeps the gradient finite where maps are all zero
# or equal. Attention maps reach it when all activations are under 1e-8.
TINY = 1e-30


@keras.saving.register_keras_serializable(package="kdmri_tf")
class AttentionTransfer(keras.losses.Loss):
    """Distance of the normalised spatial attention maps of teacher and student.

    ::

        Q = vec(sum over channels of |A|^2)
        loss = sum over cascades of || Q_S / ||Q_S||_2 - Q_T / ||Q_T||_2 ||_2

    per sample, then averaged over the batch. Channel counts may differ; sizes may not.

    Raises:
        InputError: the lists have different lengths, or a pair different batch, height or width.

    Source: KD-MRI (2020), equation 4. (The released code normalises over the batch axis instead,
    which makes the loss zero for a batch of one.)
    """

    def __init__(self, reduction="sum_over_batch_size", name="attention_transfer", **kwargs):
        super().__init__(reduction=reduction, name=name, **kwargs)

    def call(self, teacher_features, student_features):
        check_features(teacher_features, student_features)
        distances = [
            _distance(attention_map(student), attention_map(teacher))
            for teacher, student in zip(teacher_features, student_features, strict=True)
        ]
        return sum(distances)

    @staticmethod
    def condense(feature):
        """A feature `(batch, H, W, 1)` with the same attention map: what to keep of a teacher's."""
        height, width = ops.shape(feature)[1:3]
        energy = attention_map(ops.cast(feature, "float32"))
        return ops.reshape(ops.sqrt(energy), (-1, height, width, 1))


def attention_map(activation):
    """Q / ||Q||_2 with Q = sum over channels of A^2: `(batch, H, W, C)` to `(batch, H W)`."""
    energy = ops.sum(ops.square(activation), axis=-1)
    energy = ops.reshape(energy, (ops.shape(energy)[0], -1))
    squared_norm = ops.sum(ops.square(energy), axis=-1, keepdims=True)
    return energy * ops.rsqrt(ops.maximum(squared_norm, TINY))


def check_features(teacher_features, student_features):
    """Refuses lists of features that cannot be compared pair by pair."""
    if len(teacher_features) != len(student_features):
        raise InputError(
            f"The teacher gives {len(teacher_features)} features and the student "
            f"{len(student_features)}; feature distillation needs as many cascades in both."
        )
    for teacher, student in zip(teacher_features, student_features, strict=True):
        sizes = zip(teacher.shape[:-1], student.shape[:-1], strict=False)
        if len(teacher.shape) != len(student.shape) or any(
            None not in pair and pair[0] != pair[1] for pair in sizes
        ):
            raise InputError(
                f"A teacher feature of shape {tuple(teacher.shape)} cannot be compared with a "
                f"student feature of shape {tuple(student.shape)}: batch, height and width differ."
            )


def _distance(first, second):
    squared = ops.sum(ops.square(first - second), axis=-1)
    return ops.sqrt(ops.maximum(squared, TINY))
