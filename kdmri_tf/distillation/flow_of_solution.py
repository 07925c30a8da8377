"""Flow of solution procedure (FSP): how features change from cascade to cascade."""

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kdmri_tf.distillation.feature_loss import FeatureLoss
from kdmri_tf.distillation.vectors import mean_of


@keras.saving.register_keras_serializable(package="kdmri_tf")
class FlowOfSolution(FeatureLoss):
    """Compares how the activations of consecutive cascades relate (FSP matrices).

    ::

        F_j = (1 / HW) sum over pixels of A_j A_{j+1}^T        (channels of j, channels of j + 1)
        loss = mean over j of mean (F_Sj - F_Tj)^2

    Notation as in `FeatureLoss`. Channel counts must be equal, and there must be at least two
    cascades, all of one height and width.

    Example:
        >>> import numpy as np
        >>> from kdmri_tf import FlowOfSolution
        >>> feature = np.ones((1, 4, 4, 3), np.float32)
        >>> loss = FlowOfSolution()
        >>> float(loss([feature, feature], [feature, 3 * feature]))  # F_T = 1, F_S = 3
        4.0

    Source: Yim et al. (2017), equations 1 and 2; as in SFT-KD-Recon (2023).
    """

    is_compact = True
    fewest_cascades = 2
    needs_one_grid = True
    takes_any_dtype = True

    def __init__(self, name: str = "flow_of_solution", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def describe(self, features: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the FSP matrix of every pair of cascades, `(batch, channels, channels)`."""
        # Each once: with the next cascade, gradients of three uses would be added in any order.
        return [_flow(*pair) for pair in itertools.pairwise(map(_pixels, features))]

    def compare(self, teacher: Sequence[tf.Tensor], student: Sequence[tf.Tensor]) -> tf.Tensor:
        """Computes the loss of two lists of FSP matrices."""
        return mean_of(ops.mean(ops.square(s - t)) for t, s in zip(teacher, student, strict=True))


def _pixels(feature: tf.Tensor) -> tf.Tensor:
    """Reshapes an activation to float32 `(batch, H W, channels)`."""
    _, height, width, channels = ops.shape(feature)
    return ops.reshape(ops.cast(feature, "float32"), (-1, height * width, channels))


def _flow(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Computes the FSP matrices `(batch, channels, channels)` of the pixels of two activations."""
    count = ops.cast(ops.shape(first)[1], "float32")
    return ops.matmul(ops.transpose(first, (0, 2, 1)), second) / count
