"""Attention transfer: where in the image a network is active; the loss of KD-MRI."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kdmri_tf.compute.fan_out import ordered_sum
from kdmri_tf.compute.xla_fusion import fused
from kdmri_tf.distillation.feature_loss import FeatureLoss
from kdmri_tf.distillation.vectors import distance, flat, normalized


@keras.saving.register_keras_serializable(package="kdmri_tf")
class AttentionTransfer(FeatureLoss):
    """Compares the normalised spatial attention maps of teacher and student.

    ::

        Q_j = vec(sum over channels of |A_j|^2)
        loss = sum over j of mean || Q_Sj / ||Q_Sj||_2 - Q_Tj / ||Q_Tj||_2 ||_2

    Notation as in `FeatureLoss`. Channel counts may differ; sizes may not.

    Example:
        >>> import numpy as np
        >>> from kdmri_tf import AttentionTransfer
        >>> left, right = np.zeros((2, 1, 4, 4, 3), np.float32)
        >>> left[:, :, :2] = right[:, :, 2:] = 1
        >>> loss = AttentionTransfer()
        >>> round(float(loss([left], [2 * left])), 4), round(float(loss([left], [right])), 4)
        (0.0, 1.4142)

    Source: KD-MRI (2020), equation 4, after Zagoruyko and Komodakis (2017). (The released code
    normalises over the batch axis instead, which makes the loss zero for a batch of one.)
    """

    is_compact = True
    needs_equal_channels = False
    takes_any_dtype = True

    def __init__(self, name: str = "attention_transfer", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def describe(self, features: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the normalised attention map of every cascade, `(batch, H W)`."""
        return [normalized(flat(_sum_of_squares(feature))) for feature in features]

    def compare(self, teacher: Sequence[tf.Tensor], student: Sequence[tf.Tensor]) -> tf.Tensor:
        """Computes the loss of two lists of attention maps."""
        return ordered_sum(
            [ops.mean(distance(t, s)) for t, s in zip(teacher, student, strict=True)]
        )


@fused
def _sum_of_squares(feature: tf.Tensor) -> tf.Tensor:
    """Sums over channels: `(batch, H, W)`."""
    return ops.sum(ops.square(feature), axis=-1)
