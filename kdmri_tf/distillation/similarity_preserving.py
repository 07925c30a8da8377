"""Similarity preserving: which slices of a batch look alike to a network."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kdmri_tf.distillation.feature_loss import FeatureLoss
from kdmri_tf.distillation.vectors import flat, mean_of, normalized


@keras.saving.register_keras_serializable(package="kdmri_tf")
class SimilarityPreserving(FeatureLoss):
    """Compares the similarities between the slices of a batch.

    ::

        G = V V^T with the rows V_b = vec(A_j of slice b); every row of G divided by its L2 norm
        loss = mean over j of mean (G_S - G_T)^2

    Notation as in `FeatureLoss`. Channel counts may differ. A batch of one is similar to itself: it
    has loss 0.

    Example:
        >>> import numpy as np
        >>> from kdmri_tf import SimilarityPreserving
        >>> different, alike = np.zeros((2, 4, 4, 3), np.float32), np.ones((2, 4, 4, 3), np.float32)
        >>> different[0, :2] = different[1, 2:] = 1
        >>> loss = SimilarityPreserving()
        >>> float(loss([different], [different])), round(float(loss([different], [alike])), 4)
        (0.0, 0.2929)

    Source: Tung and Mori (2019), equations 1 to 4; as in SFT-KD-Recon (2023).
    """

    smallest_batch = 2
    needs_equal_channels = False
    takes_any_dtype = True

    def __init__(self, name: str = "similarity_preserving", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def compare(self, teacher: Sequence[tf.Tensor], student: Sequence[tf.Tensor]) -> tf.Tensor:
        """Computes the loss of two lists of activations."""
        return mean_of(
            ops.mean(ops.square(_similarities(s) - _similarities(t)))
            for t, s in zip(teacher, student, strict=True)
        )


def _similarities(feature: tf.Tensor) -> tf.Tensor:
    """Computes G with normalised rows, float32 `(batch, batch)`."""
    vectors = flat(ops.cast(feature, "float32"))
    return normalized(ops.matmul(vectors, ops.transpose(vectors)))
