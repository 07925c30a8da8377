"""DC-CNN: the deep cascade of convolutional networks that reconstructs undersampled MRI."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kdmri_tf.compute.fan_out import fan_out
from kdmri_tf.errors import InputError
from kdmri_tf.networks.consistency_forms import Measurement
from kdmri_tf.networks.consistency_weight import ConsistencyWeight
from kdmri_tf.networks.conv_block import ConvBlock
from kdmri_tf.networks.data_consistency import DataConsistency
from kdmri_tf.networks.network import Network, Shape
from kdmri_tf.physics.sense import KSPACE, MASK, SENSITIVITIES, check_coils
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

    With `complex_images` the network has two channels, real and imaginary part, and takes what a
    scanner measures: `kspace` float32 `(batch, coils, H, W, 2)`, `mask`, and `sensitivities`
    float32 `(batch, coils, H, W, 2)`, whose squares sum to 1 over the coils. The zero-filled image
    is x_0 = A^H y of `SenseOperator`; the output is complex, `(batch, H, W, 2)`. One coil needs no
    sensitivities, and its k-space may lack the axis of coils. The number of coils is free, and no
    weight depends on it. Scale k-space so that the largest magnitude of A^H y is 1.

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
        noise_weight: lambda of `DataConsistency`; None replaces measured samples; "learned" lets
            every cascade learn how far to go, see `ConsistencyWeight`.
        consistency_form: how `DataConsistency` is computed: "auto", "rfft", "fft", "rows" or
            "columns".
        complex_images: whether images are complex: two channels in and out instead of one.

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
        noise_weight: float | str | None = None,
        consistency_form: str = "auto",
        complex_images: bool = False,
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
        if isinstance(noise_weight, str) and noise_weight != "learned":
            raise InputError(
                f'noise_weight must be a number, None or "learned"; got {noise_weight!r}.'
            )
        self.complex_images = bool(complex_images)
        channels = 2 if complex_images else 1
        self.blocks = [
            ConvBlock(
                *(num_convs, filters),
                channels=channels,
                dtype=self.dtype_policy,
                name=f"cascade{index + 1}",
            )
            for index in range(num_cascades)
        ]
        is_learned = noise_weight == "learned"
        self.data_consistency = DataConsistency(
            None if isinstance(noise_weight, str) else noise_weight,
            consistency_form,
            complex_images=self.complex_images,
            name="data_consistency",
        )
        self.consistency_weights = [
            ConsistencyWeight(name=f"consistency{index + 1}")
            for index in range(num_cascades if is_learned else 0)
        ]
        self.build(dict.fromkeys(self.input_specification))

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
            # Left out where it is not needed, so that configurations of old stages still agree.
            **({"complex_images": True} if self.complex_images else {}),
        }

    def _restore(self, *measured: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        image, measurement = self.begin(*measured)
        features = []
        for index in range(self.num_cascades):
            image, feature = self.cascade(index, image, measurement)
            features.append(feature)
        return image, features

    def begin(
        self, kspace: tf.Tensor, mask: tf.Tensor, sensitivities: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, Measurement]:
        """Returns what cascades work on: (zero-filled image `(batch, H, W, C)`, measurement).

        Args:
            kspace: `(batch, H, W, 2)`, or `(batch, coils, H, W, 2)` of complex images.
            mask: `(batch, H, W)`.
            sensitivities: of complex images, as the k-space; None for one coil.
        """
        measurement = self.data_consistency.measure(kspace, mask, sensitivities)
        if self.complex_images:
            return measurement["zero_filled"], measurement
        return ops.expand_dims(measurement["magnitude"], -1), measurement

    def cascade(
        self, index: int, image: tf.Tensor, measurement: Measurement
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes one cascade: (image after data consistency `(batch, H, W, C)`, feature).

        Args:
            index: which of the `blocks`.
            image: float32 `(batch, H, W, C)`.
            measurement: what `begin` returned.
        """
        image, feature = self.convolve(index, image)
        return self.correct(index, image, measurement), feature

    def convolve(self, index: int, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes one cascade up to data consistency: (image `(batch, H, W, C)`, feature).

        Args:
            index: which of the `blocks`.
            image: float32 `(batch, H, W, C)`.
        """
        block = self.blocks[index]
        update, feature = block(ops.cast(image, block.compute_dtype))
        update = ops.cast(update, "float32")
        return image + update if self.residual else update, feature

    def correct(self, index: int, image: tf.Tensor, measurement: Measurement) -> tf.Tensor:
        """Computes the data consistency of one cascade, `(batch, H, W, C)`.

        Args:
            index: which of the cascades.
            image: float32 `(batch, H, W, C)`.
            measurement: what `begin` returned.
        """
        if not self.consistency_weights:
            return self.data_consistency.correct(image, measurement)
        image, kept = fan_out(image, 2)  # data consistency uses it twice itself
        corrected = self.data_consistency.correct(image, measurement)
        return self.consistency_weights[index](kept, corrected)

    @property
    def input_specification(self) -> dict[str, tf.TensorSpec]:
        """Name -> `tf.TensorSpec` of the inputs; batch, coils, height and width are free."""
        if self.complex_images:
            return {spec.name: spec for spec in (KSPACE, MASK, SENSITIVITIES)}
        return super().input_specification

    @property
    def optional_inputs(self) -> tuple[str, ...]:
        """The inputs that may be missing: sensitivities, for one coil."""
        return ("sensitivities",) if self.complex_images else ()

    def check_inputs(self, inputs: Mapping[str, tf.Tensor]) -> list[tf.Tensor]:
        """Returns the float32 tensors of the inputs; k-space of complex images has coils then.

        Raises:
            InputError: they break the contract of the network.
        """
        is_alone = self.complex_images and isinstance(inputs, dict) and len(inputs) == 2
        if is_alone and len(getattr(inputs.get("kspace"), "shape", ())) == 4:
            inputs = {**inputs, "kspace": ops.expand_dims(inputs["kspace"], 1)}
        tensors = super().check_inputs(inputs)
        if self.complex_images and len(tensors) == 2:  # of a number of coils that may be unknown
            tensors[0] = tf.ensure_shape(tensors[0], (None, 1, None, None, 2))
        return tensors

    def _check_shapes(self, shapes: dict[str, Shape]) -> None:
        kspace, mask = shapes["kspace"], shapes["mask"]
        if self.complex_images:
            check_coils(kspace, mask, "kspace")
            _check_sensitivities(shapes.get("sensitivities"), kspace)
            return
        if len(kspace) == 5:
            raise InputError(
                f"kspace has an axis of coils, shape {kspace}, but this network reconstructs "
                "magnitude images of one coil: make it with complex_images=True."
            )
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


def _check_sensitivities(shape: Shape | None, kspace: Shape) -> None:
    """Refuses sensitivities that are missing, or of another shape than the k-space."""
    if shape is None:
        if kspace[1] not in (None, 1):
            raise InputError(
                f"kspace has {kspace[1]} coils: give their sensitivities as well, in the same "
                "shape; low_resolution_sensitivities(kspace, mask) estimates them."
            )
        return
    pairs = zip(shape, kspace, strict=False)
    if len(shape) != 5 or any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise InputError(
            f"sensitivities must have the shape of kspace, {kspace}, one map a coil; got {shape}."
        )
