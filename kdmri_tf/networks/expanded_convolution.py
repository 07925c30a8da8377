"""A convolution that is wide in training and one 3x3 convolution in use."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kdmri_tf.errors import InputError


@keras.saving.register_keras_serializable(package="kdmri_tf")
class ExpandedConvolution(keras.layers.Layer):
    """Trains a 3x3 convolution as the product of a wide one and a mixing of its channels.

    ::

        kernel(s) = wide(s) mixing                    (3, 3, in, width) times (width, filters)
        output    = activation(kernel * input + bias)

    It computes what `keras.layers.Conv2D` with that `kernel` computes, at the same cost but for the
    product of the weights: only the path of the training differs. Stride 1, same padding. Weights
    are float32 and multiplied as such; the convolution has the dtype of the policy.

    Args:
        filters: channels of the output.
        width: channels of the wide kernel.
        activation: as of `keras.layers.Conv2D`.
        bias_limit: biases start uniform in +-bias_limit.

    Raises:
        InputError: no channel.

    Source: Bhardwaj et al., Collapsible linear blocks for super-efficient super resolution
    (MLSys 2022).
    """

    def __init__(
        self,
        filters: int,
        width: int,
        activation: str | None = None,
        bias_limit: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if filters < 1 or width < 1:
            raise InputError(
                "An ExpandedConvolution needs at least 1 filter and a width of at least 1; got "
                f"{filters} and {width}."
            )
        self.filters = filters
        self.width = width
        self.activation = keras.activations.get(activation)
        self.bias_limit = bias_limit

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights: together as strong as one kernel uniform in +-1/sqrt(fan_in)."""
        self.wide = self.add_weight(
            shape=(3, 3, input_shape[-1], self.width),
            initializer=keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform"),
            name="wide",
            autocast=False,
        )
        self.mixing = self.add_weight(
            shape=(self.width, self.filters),
            initializer=keras.initializers.VarianceScaling(1.0, "fan_in", "uniform"),
            name="mixing",
            autocast=False,
        )
        self.bias = self.add_weight(
            shape=(self.filters,),
            initializer=keras.initializers.RandomUniform(-self.bias_limit, self.bias_limit),
            name="bias",
        )

    @property
    def kernel(self) -> tf.Tensor:
        """The kernel that it comes to, float32 `(3, 3, in, filters)`."""
        return ops.matmul(self.wide, self.mixing)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Convolves `(batch, H, W, in)`."""
        kernel = ops.cast(self.kernel, inputs.dtype)
        output = ops.conv(inputs, kernel, padding="same", data_format="channels_last")
        return self.activation(output + ops.cast(self.bias, inputs.dtype))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the shape of the output."""
        return (*input_shape[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, for Keras to make the layer anew."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "width": self.width,
            "activation": keras.activations.serialize(self.activation),
            "bias_limit": self.bias_limit,
        }
