"""The convolutional layer of all networks; `data_consistency` has the other of a cascade."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kdmri_tf.compute.last_convolution import convolve_to_image
from kdmri_tf.errors import InputError
from kdmri_tf.networks.expanded_convolution import ExpandedConvolution
from kdmri_tf.networks.frozen import freeze_parts, frozen_parts

IMAGE_CHANNELS = 2  # at most, of images; blocks of more channels work on pixels put into channels
# To 4 channels the gradients of `convolve_to_image` are 1.4 times as fast as TensorFlow's own
# (in bfloat16 1.1 times), to 12 channels they are not.
FEW_CHANNELS = 8


@keras.saving.register_keras_serializable(package="kdmri_tf")
class ConvBlock(keras.layers.Layer):
    """Applies the convolutions of one cascade of `DCCNN`, or all those of `VDSR`.

    `num_convs` 3x3 convolutions with bias, stride 1 and same padding: `filters` channels with ReLU,
    but for the last one, which returns to the channels of the image and has no activation.

    Input: `(batch, H, W, channels)`. Output: the pair (image `(batch, H, W, channels)`, feature
    `(batch, H, W, filters)`); the feature is the activation, after ReLU, of convolution
    ceil(num_convs / 2): the layer that distillation matches (the third of five, the second of
    three, the sixth of eleven, the fourth of seven). Dtype: the policy's compute dtype.

    Weights start uniform in +-1/sqrt(fan_in), kernel and bias, as in the papers' released code. A
    deep block hardly learns from there, as every convolution weakens the signal; `starts_at_zero`
    draws them after He et al. (ICCV 2015), which keeps its strength, with biases and the whole last
    convolution at 0, so that the block adds nothing at first.

    Args:
        num_convs: convolutions, at least 2.
        filters: channels between them.
        starts_at_zero: whether the output is 0 before training.
        frozen: names of the convolutions that are not trained, such as "conv1"; one can also set
            `block.convs[0].trainable = False` later.
        channels: of the image: 1, 2 for the real and imaginary part, or more.
        expansion: above 1, the convolutions are `ExpandedConvolution`s of expansion * filters
            channels, until `collapsed_weights` are exported.

    Attributes:
        splits_last: whether the last convolution is computed in two steps, for inference and up
            to two channels: one over single pixels to 9 channels, one for each place of the kernel,
            then the sum of these, each shifted to its place. The result is the same to rounding;
            runtimes are slowest at 32 -> 1 channels by 3x3. RESULTS.md has the measurement.

    Raises:
        InputError: fewer than 2 convolutions, no filter, channel or expansion; an expansion of a
            block that starts at zero.

    Example:
        >>> import numpy as np
        >>> from kdmri_tf import ConvBlock
        >>> block = ConvBlock(num_convs=3, filters=8)
        >>> image, feature = block(np.zeros((2, 24, 20, 1), np.float32))
        >>> tuple(image.shape), tuple(feature.shape)
        ((2, 24, 20, 1), (2, 24, 20, 8))

    Source: KD-MRI (2020), figure 1.
    """

    def __init__(
        self,
        num_convs: int,
        filters: int = 32,
        starts_at_zero: bool = False,
        frozen: Sequence[str] = (),
        channels: int = 1,
        expansion: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if num_convs < 2 or filters < 1 or channels < 1:
            raise InputError(
                "A ConvBlock needs at least 2 convolutions, 1 filter and 1 channel; got "
                f"{num_convs} convolutions, {filters} filters and {channels} channels."
            )
        if expansion < 1 or (expansion > 1 and starts_at_zero):
            raise InputError(
                "expansion must be 1 or more, and 1 in a block that starts at zero; got "
                f"{expansion}."
            )
        self.channels = channels
        self.expansion = expansion
        self.num_convs = num_convs
        self.filters = filters
        self.starts_at_zero = starts_at_zero
        self.splits_last = False
        self.feature_index = math.ceil(num_convs / 2) - 1
        self.convs = [self._convolution(index) for index in range(num_convs)]
        self._frozen = tuple(frozen)

    def _convolution(self, index: int) -> keras.layers.Layer:
        is_last = index == self.num_convs - 1
        filters = self.channels if is_last else self.filters
        limit = 1 / math.sqrt(9 * (self.channels if index == 0 else self.filters))
        activation = None if is_last else "relu"
        name = f"conv{index + 1}"
        if self.expansion > 1:
            width = self.expansion * self.filters
            return ExpandedConvolution(
                *(filters, width, activation, limit), dtype=self.dtype_policy, name=name
            )
        if self.starts_at_zero:
            kernel, bias = "zeros" if is_last else "he_normal", "zeros"
        else:
            # A variance of 1 / (3 fan_in) is the uniform distribution in +-1/sqrt(fan_in).
            kernel = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
            bias = keras.initializers.RandomUniform(-limit, limit)
        return keras.layers.Conv2D(
            filters=filters,
            kernel_size=3,
            padding="same",
            data_format="channels_last",  # whatever keras.json says
            activation=activation,
            kernel_initializer=kernel,
            bias_initializer=bias,
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights; height and width of the input may be None."""
        channels = self.channels
        for conv in self.convs:
            conv.build((*input_shape[:-1], channels))
            channels = conv.filters
        freeze_parts(self, (*self._frozen, *frozen_parts(self)))

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
        """Returns the shapes of (image, feature)."""
        is_last = self.feature_index == self.num_convs - 1
        channels = self.channels if is_last else self.filters
        return (*input_shape[:-1], self.channels), (*input_shape[:-1], channels)

    def call(self, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns (image, feature) for an image `(batch, H, W, channels)`."""
        activation = image
        for index, conv in enumerate(self.convs):
            is_last = conv is self.convs[-1]
            activation = self._to_image(conv, activation) if is_last else conv(activation)
            if index == self.feature_index:
                feature = activation
        return activation, feature

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of its convolutions for each pixel that they work on."""
        channels = [self.channels, *(conv.filters for conv in self.convs)]
        return sum(9 * fan_in * filters for fan_in, filters in itertools.pairwise(channels))

    def collapsed_weights(self) -> list[np.ndarray]:
        """Returns kernel and bias of every convolution: the weights of a block of expansion 1."""
        return [
            ops.convert_to_numpy(weight)
            for conv in self.convs
            for weight in (conv.kernel, conv.bias)
        ]

    def _to_image(self, conv: keras.layers.Layer, activation: tf.Tensor) -> tf.Tensor:
        kernel, bias = (ops.cast(weight, activation.dtype) for weight in (conv.kernel, conv.bias))
        if not self.splits_last and self.channels <= FEW_CHANNELS:
            return convolve_to_image(activation, kernel) + bias
        if self.channels > IMAGE_CHANNELS:
            return _convolve(activation, kernel) + bias
        kernel = ops.reshape(ops.transpose(kernel, (2, 0, 1, 3)), (self.filters, -1))
        places = _convolve(activation, kernel[None, None])
        shifts = np.kron(np.eye(9), np.eye(self.channels)).reshape(3, 3, self.channels, -1)
        shifts = ops.cast(shifts.transpose(0, 1, 3, 2), activation.dtype)
        return _convolve(places, shifts) + bias

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, for Keras to make the layer anew."""
        frozen = frozen_parts(self)
        return {
            **super().get_config(),
            "num_convs": self.num_convs,
            "filters": self.filters,
            "starts_at_zero": self.starts_at_zero,
            **({"channels": self.channels} if self.channels > 1 else {}),
            **({"expansion": self.expansion} if self.expansion > 1 else {}),
            **({"frozen": frozen} if frozen else {}),
        }


def _convolve(activation: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    return ops.conv(activation, kernel, padding="same", data_format="channels_last")
