"""VDSR: the residual convolutional network that sharpens low-resolution MRI."""

import re
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kdmri_tf.errors import InputError
from kdmri_tf.networks.conv_block import ConvBlock
from kdmri_tf.networks.network import Network, Shape
from kdmri_tf.physics.low_resolution import LowResolution
from kdmri_tf.sizes import check_network_size


@keras.saving.register_keras_serializable(package="kdmri_tf")
class VDSR(Network):
    """Adds to an image at low resolution the detail that it lacks.

    ::

        x = max(u + ConvBlock(u), 0)

    Inputs: a dictionary of `low_resolution` float32 `(batch, H, W, 1)`, the image blurred at its
    full size, see `LowResolution`. Output: image float32 `(batch, H, W, 1)`. Any batch, H and W.

    `model(inputs, return_features=True)` gives `(image, features)`: a list with one activation,
    `(batch, H, W, filters)`, that of convolution ceil(num_convs / 2) after ReLU.

    A teacher and a student are two of these: VDSR11 has 333,569 parameters and its feature comes
    from convolution 6; VDSR7 has 185,857 and takes it from convolution 4. Weights exist from
    construction, in the order convolution, kernel, bias; before training (see `ConvBlock`) the
    network is the identity. With the dtype policy "mixed_bfloat16" only the convolutions run in
    bfloat16.

    Args:
        num_convs: convolutions, at least 2.
        filters: channels between them.
        nonnegative: whether negative intensities become 0, as a magnitude image has none; the paper
            leaves them. RESULTS.md has the measurement behind the default.

    Raises:
        InputError: an impossible architecture, or inputs that break the contract above.

    Example:
        >>> import numpy as np
        >>> from kdmri_tf import VDSR
        >>> model = VDSR(num_convs=3, filters=8)  # or VDSR.from_name("VDSR3", filters=8)
        >>> blurred = np.random.default_rng(0).random((1, 32, 24, 1), np.float32)
        >>> image = model({"low_resolution": blurred})
        >>> bool((image.numpy() == blurred).all())  # before training
        True

    Source: Kim et al., CVPR 2016; KD-MRI (2020), section 3, in these sizes.
    """

    degradation = LowResolution
    name_pattern = r"VDSR(\d{1,9})"
    name_example = 'VDSR and the number of convolutions, such as "VDSR11" or "VDSR7"'

    def __init__(
        self, num_convs: int, filters: int = 64, nonnegative: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        check_network_size(num_convs, 1, filters, f"VDSR{num_convs}")
        self.num_convs = num_convs
        self.filters = filters
        self.nonnegative = nonnegative
        self.blocks = [
            ConvBlock(
                num_convs,
                filters,
                starts_at_zero=True,
                dtype=self.dtype_policy,
                name="convolutions",
            )
        ]
        self.build({"low_resolution": (None, None, None, 1)})

    @classmethod
    def _arguments_of(cls, name: str) -> dict[str, Any] | None:
        match = re.fullmatch(cls.name_pattern, name, re.IGNORECASE)
        return None if match is None else {"num_convs": int(match[1])}

    @property
    def architecture(self) -> str:
        """Its name, such as "VDSR11"."""
        return f"VDSR{self.num_convs}"

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """All arguments, name -> value."""
        return {
            "num_convs": self.num_convs,
            "filters": self.filters,
            "nonnegative": self.nonnegative,
        }

    def _restore(self, low_resolution: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        (block,) = self.blocks
        detail, feature = block(ops.cast(low_resolution, block.compute_dtype))
        image = low_resolution + ops.cast(detail, "float32")
        return (ops.relu(image) if self.nonnegative else image), [feature]

    def _check_shapes(self, shapes: dict[str, Shape]) -> None:
        low_resolution = shapes["low_resolution"]
        if len(low_resolution) != 4 or low_resolution[-1] != 1:
            raise InputError(
                "low_resolution must have shape (batch, height, width, 1); got shape "
                f"{low_resolution}."
            )
