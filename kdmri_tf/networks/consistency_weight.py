"""How far a cascade trusts the measured samples: one scalar that is learned."""

import math
from typing import Any

import keras
import tensorflow as tf

from kdmri_tf.compute.fan_out import fan_out
from kdmri_tf.networks.consistency_forms import Measurement
from kdmri_tf.networks.data_consistency import DataConsistency

FIRST_WEIGHT = 0.9


@keras.saving.register_keras_serializable(package="kdmri_tf")
class ConsistencyWeight(keras.layers.Layer):
    """Goes part of the way from an image to the one that data consistency makes of it::

        output = (1 - w) x + w DC(x),    w = sigmoid(logit)

    Where w = 1, as in hard data consistency, the noise of the measured samples stays; the network
    learns w, from 0.9 on. One weight, `logit`, a float32 scalar, whatever the dtype policy.

    Example:
        >>> import tensorflow as tf
        >>> from kdmri_tf.networks.consistency_weight import ConsistencyWeight
        >>> weight = ConsistencyWeight()
        >>> round(float(weight(tf.zeros(1), tf.ones(1))[0]), 2)
        0.9
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs["dtype"] = "float32"
        super().__init__(autocast=False, **kwargs)

    def build(self, image_shape: Any = None, corrected_shape: Any = None) -> None:
        """Creates the weight."""
        logit = keras.initializers.Constant(math.log(FIRST_WEIGHT / (1 - FIRST_WEIGHT)))
        self.logit = self.add_weight(shape=(), initializer=logit, name="logit")

    def call(self, image: tf.Tensor, corrected: tf.Tensor) -> tf.Tensor:
        """Returns (1 - w) x + w DC(x).

        Args:
            image: x, float32.
            corrected: DC(x), of the same shape.
        """
        weight = tf.sigmoid(tf.convert_to_tensor(self.logit))
        return (1 - weight) * image + weight * corrected

    def correct(
        self, data_consistency: DataConsistency, image: tf.Tensor, measurement: Measurement
    ) -> tf.Tensor:
        """Returns the image that is corrected so far, see `DataConsistency.correct`."""
        image, kept = fan_out(image, 2)  # data consistency uses it twice itself
        return self(kept, data_consistency.correct(image, measurement))

    def compute_output_shape(self, image_shape: Any, corrected_shape: Any = None) -> Any:
        """Returns the shape of the image, which the layer keeps."""
        return image_shape
