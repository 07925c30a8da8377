"""Correlation congruence: how what the student lacks varies from slice to slice."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kdmri_tf.compute.xla_fusion import fused
from kdmri_tf.distillation.feature_loss import FeatureLoss
from kdmri_tf.distillation.vectors import mean_of


@keras.saving.register_keras_serializable(package="kdmri_tf")
class CorrelationCongruence(FeatureLoss):
    """Correlates, from slice to slice, what the student's activations lack.

    ::

        D_b = |A_Sj - A_Tj| of slice b
        loss = mean over j of mean over consecutive slices b, b + 1 of a batch and over pixels of
               sum over channels of D_b D_{b+1}

    Notation as in `FeatureLoss`. Channel counts and sizes must be equal. A batch of one has no
    neighbours and loss 0.

    Example:
        >>> import numpy as np
        >>> from kdmri_tf import CorrelationCongruence
        >>> teacher, student = np.zeros((2, 4, 4, 3), np.float32), np.ones((2, 4, 4, 3), np.float32)
        >>> float(CorrelationCongruence()([teacher], [student]))  # 3 channels of 1 x 1
        3.0

    Source: Peng et al. (2019), in the pairwise form used by SFT-KD-Recon (2023), without embedding.
    """

    smallest_batch = 2
    takes_any_dtype = True

    def __init__(self, name: str = "correlation_congruence", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def compare(self, teacher: Sequence[tf.Tensor], student: Sequence[tf.Tensor]) -> tf.Tensor:
        """Computes the loss of two lists of activations."""
        return mean_of(_congruence(s, t) for t, s in zip(teacher, student, strict=True))


@fused
def _products_of_neighbours(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Sums D_b D_{b+1} over channels, D = |first - second|: `(batch - 1, H, W)`."""
    differences = ops.abs(first - second)
    return ops.sum(differences[:-1] * differences[1:], axis=-1)


def _congruence(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Averages these products over consecutive slices and pixels; 0 for a single slice."""
    batch, height, width, _ = ops.shape(first)
    pairs = ops.cast(ops.maximum(batch - 1, 1) * height * width, "float32")
    return ops.sum(_products_of_neighbours(first, second)) / pairs
