"""DC-CNN: the deep cascade of convolutional networks that reconstructs undersampled MRI."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kdmri_tf.errors import InputError
from kdmri_tf.networks.consistency_forms import Measurement
from kdmri_tf.networks.conv_block import ConvBlock
from kdmri_tf.networks.data_consistency import DataConsistency
from kdmri_tf.networks.network import Network, Shape
from kdmri_tf.physics.undersampling import Undersampling
from kdmri_tf.sizes import check_network_size


@keras.saving.register_keras_serializable(package="kdmri_tf")
class DCCNN(Network):
    """Reconstructs undersampled MRI by a deep cascade of convolutions and data consistency.

    "DdCc" has c cascades of d convolutions, each followed by data consistency:

    ::

        x_0 = |F^-1 y|                                              (zero-filled)
        x_i = DataConsistency([x_{i-1} +] ConvBlock_i(x_{i-1}))     i = 1 .. c

    Inputs: a dictionary of `kspace` float32 `(batch, H, W, 2)` (real, imaginary; unshifted, ortho
    normalised, zero where not measured) and `mask` float32 `(batch, H, W)`, 1 where measured.
    Output: image float32 `(batch, H, W, 1)` in the scale of the k-space. Any batch, H and W.

    `model(inputs, return_features=True)` gives `(image, features)`: the matched activation of each
    cascade, `(batch, H, W, filters)`, which distillation compares.

    A teacher and a student are two of these: D5C5 has 141,765 parameters, D3C5 49,285. Weights
    exist from construction, in the order cascade, convolution, kernel, bias. With the dtype policy
    "mixed_bfloat16" only the convolutions run in bfloat16.

    Args:
        num_convs: convolutions per cascade (d), at least 2.
        num_cascades: cascades (c), at least 1.
        filters: channels between the convolutions.
        residual: whether a cascade adds its input to the output of its convolutions: the KD-MRI
            paper does, its code does not. RESULTS.md has the measurement behind the default.
        noise_weight: lambda of `DataConsistency`; None replaces measured samples.
        consistency_form: how `DataConsistency` is computed: "auto", "rfft", "fft", "rows" or
            "columns".

    Raises:
        InputError: an impossible architecture, or inputs that break the contract above.

    Example:
        >>> import numpy as np
        >>> from kdmri_tf import DCCNN
        >>> model = DCCNN(num_convs=3, num_cascades=2)  # or DCCNN.from_name("D3C2")
        >>> inputs = {"kspace": np.zeros((1, 32, 24, 2)), "mask": np.ones((1, 32, 24))}
        >>> image, features = model(inputs, return_features=True)
        >>> tuple(image.shape), len(features), model.count_params()
        ((1, 32, 24, 1), 2, 19714)

    Source: KD-MRI (2020), section 2.1 and figure 1; SFT-KD-Recon (2023) names it DdCc.
    """

    degradation = Undersampling
    name_pattern = r"D(\d{1,9})C(\d{1,9})"
    name_example = 'DdCc for d convolutions in each of c cascades, such as "D5C5" or "D3C5"'

    def __init__(
        self,
        num_convs: int,
        num_cascades: int,
        filters: int = 32,
        residual: bool = True,
        noise_weight: float | None = None,
        consistency_form: str = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if num_cascades < 1:
            raise InputError(f"A DCCNN needs at least 1 cascade; got {num_cascades}.")
        check_network_size(num_convs, num_cascades, filters, f"D{num_convs}C{num_cascades}")
        self.num_convs = num_convs
        self.num_cascades = num_cascades
        self.filters = filters
        self.residual = residual
        self.noise_weight = noise_weight
        self.consistency_form = consistency_form
        self.blocks = [
            ConvBlock(num_convs, filters, dtype=self.dtype_policy, name=f"cascade{index + 1}")
            for index in range(num_cascades)
        ]
        self.data_consistency = DataConsistency(
            noise_weight, consistency_form, name="data_consistency"
        )
        self.build({"kspace": (None, None, None, 2), "mask": (None, None, None)})

    @property
    def architecture(self) -> str:
        """The papers' name, such as "D5C5"."""
        return f"D{self.num_convs}C{self.num_cascades}"

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """All arguments, name -> value."""
        return {
            "num_convs": self.num_convs,
            "num_cascades": self.num_cascades,
            "filters": self.filters,
            "residual": self.residual,
            "noise_weight": self.noise_weight,
            "consistency_form": self.consistency_form,
        }

    def _restore(self, kspace: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        image, measurement = self.begin(kspace, mask)
        features = []
        for block in self.blocks:
            image, feature = self.cascade(block, image, measurement)
            features.append(feature)
        return image, features

    def begin(self, kspace: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, Measurement]:
        """Returns what cascades work on: (zero-filled image `(batch, H, W, 1)`, measurement).

        Args:
            kspace: `(batch, H, W, 2)`.
            mask: `(batch, H, W)`.
        """
        measurement = self.data_consistency.measure(kspace, mask)
        return ops.expand_dims(measurement["magnitude"], -1), measurement

    def cascade(
        self, block: ConvBlock, image: tf.Tensor, measurement: Measurement
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes one cascade: (image after data consistency `(batch, H, W, 1)`, feature).

        Args:
            block: one of `blocks`.
            image: float32 `(batch, H, W, 1)`.
            measurement: what `begin` returned.
        """
        image, feature = self.convolve(block, image)
        return self.data_consistency.correct(image, measurement), feature

    def convolve(self, block: ConvBlock, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes one cascade up to data consistency: (image `(batch, H, W, 1)`, feature).

        Args:
            block: one of `blocks`.
            image: float32 `(batch, H, W, 1)`.
        """
        update, feature = block(ops.cast(image, block.compute_dtype))
        update = ops.cast(update, "float32")
        return image + update if self.residual else update, feature

    def _check_shapes(self, shapes: dict[str, Shape]) -> None:
        kspace, mask = shapes["kspace"], shapes["mask"]
        if len(kspace) != 4 or kspace[-1] != 2:
            raise InputError(
                f"kspace must have shape (batch, height, width, 2), the last axis (real, "
                f"imaginary); got shape {kspace}."
            )
        fits = len(mask) == 3 and all(
            None in pair or pair[0] == pair[1] for pair in zip(mask, kspace[:3], strict=True)
        )
        if not fits:
            raise InputError(
                f"mask must have shape (batch, height, width) to match kspace; got mask {mask} and "
                f"kspace {kspace}."
            )
