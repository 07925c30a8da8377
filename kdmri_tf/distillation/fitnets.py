"""FitNets: the activations themselves, as hints."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kdmri_tf.compute.xla_fusion import fused
from kdmri_tf.distillation.feature_loss import FeatureLoss
from kdmri_tf.distillation.vectors import mean_of


@keras.saving.register_keras_serializable(package="kdmri_tf")
class FitNets(FeatureLoss):
    """Compares the activations themselves ("hints"): their mean squared difference.

    ::

        loss = mean over j of mean (A_Sj - A_Tj)^2

    Notation as in `FeatureLoss`. Channel counts and sizes must be equal: no regressor stands
    between the two, as the matched layers of teacher and student have one shape.

    Example:
        >>> import numpy as np
        >>> from kdmri_tf import FitNets
        >>> teacher, student = np.ones((2, 1, 4, 4, 3), np.float32)
        >>> float(FitNets()([teacher], [student])), float(FitNets()([teacher], [3 * student]))
        (0.0, 4.0)

    Source: Romero et al. (2015), equation 3; as in SFT-KD-Recon (2023).
    """

    takes_any_dtype = True

    def __init__(self, name: str = "fitnets", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def compare(self, teacher: Sequence[tf.Tensor], student: Sequence[tf.Tensor]) -> tf.Tensor:
        """Computes the loss of two lists of activations."""
        return mean_of(
            ops.mean(_squared_distance(s, t)) / s.shape[-1]
            for t, s in zip(teacher, student, strict=True)
        )


@fused
def _squared_distance(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Sums squared differences over channels: `(batch, H, W)`."""
    return ops.sum(ops.square(first - second), axis=-1)
