"""How large the steps of data consistency are in a cascade: numbers that are learned."""

from typing import Any

import keras
import tensorflow as tf

from kdmri_tf.networks.chebyshev import chebyshev_steps
from kdmri_tf.networks.consistency_forms import Measurement
from kdmri_tf.networks.data_consistency import DataConsistency


@keras.saving.register_keras_serializable(package="kdmri_tf")
class ConsistencySteps(keras.layers.Layer):
    """Takes steps of data consistency, each as far as the cascade has learned to go::

        x <- x + t_k A^H (y - A x),    t_k = c_k exp(s_k),    k = 1 .. n

    c_k are the `chebyshev_steps`, which training starts from: the best where nothing is noise and
    all eigenvalues of A^H A are alike. Learned steps know both. After all of them the residual at
    an eigenvalue e is the product of 1 - t_k e, so that what the coils see well can be replaced in
    full; a single weight for all steps keeps a share of what the network made of it. One weight,
    `logarithms`, float32 `(n,)`: s, whatever the dtype policy.

    Args:
        steps: n, at least 1.

    Raises:
        InputError: fewer steps than 1, or more than 100.

    Example:
        >>> from kdmri_tf.networks.consistency_steps import ConsistencySteps
        >>> layer = ConsistencySteps(2)
        >>> layer.build()
        >>> [round(float(size), 2) for size in layer.sizes()]
        [4.31, 1.15]

    Source: step sizes of their own for every cascade are those of Hammernik et al., variational
    networks (Magn Reson Med 2018); several in each are ours.
    """

    def __init__(self, steps: int, **kwargs: Any) -> None:
        kwargs["dtype"] = "float32"
        super().__init__(autocast=False, **kwargs)
        self.steps = steps
        self._first_sizes = chebyshev_steps(steps)

    def build(self, image_shape: Any = None) -> None:
        """Creates the weight."""
        # Read outside this layer's own call, where a network in bfloat16 would cast it.
        self.logarithms = self.add_weight(
            shape=(self.steps,), initializer="zeros", name="logarithms", autocast=False
        )
        self.built = True

    def sizes(self) -> list[tf.Tensor]:
        """Returns t_1 .. t_n, float32 scalars."""
        factors = tf.unstack(tf.exp(tf.convert_to_tensor(self.logarithms)))
        return [first * factor for first, factor in zip(self._first_sizes, factors, strict=True)]

    def correct(
        self, data_consistency: DataConsistency, image: tf.Tensor, measurement: Measurement
    ) -> tf.Tensor:
        """Returns the corrected image, see `DataConsistency.correct`."""
        return data_consistency.correct(image, measurement, self.sizes())
