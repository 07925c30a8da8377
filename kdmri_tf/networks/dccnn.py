"""DC-CNN: the deep cascade of convolutional networks that reconstructs undersampled MRI."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kdmri_tf import architecture_names
from kdmri_tf.compute.variable_copies import variable_copies
from kdmri_tf.networks.cascade_state import CascadeState, convolved
from kdmri_tf.networks.consistency_forms import Measurement
from kdmri_tf.networks.conv_block import ConvBlock
from kdmri_tf.networks.data_consistency import DataConsistency
from kdmri_tf.networks.kspace_shapes import Shape, check_shapes
from kdmri_tf.networks.learned_consistency import learned_consistency
from kdmri_tf.networks.network import Network
from kdmri_tf.physics.sense import KSPACE, MASK, SENSITIVITIES
from kdmri_tf.physics.undersampling import Undersampling


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
    sensitivities (its image then keeps its phase), and its k-space may lack the axis of coils. The
    number of coils is free, and no weight depends on it. Scale k-space so that the largest
    magnitude of A^H y is 1.

    `model(inputs, return_features=True)` gives `(image, features)`: the matched activation of each
    cascade, `(batch, H, W, filters)`, which distillation compares.

    A teacher and a student are two of these: D5C5 has 141,765 parameters, D3C5 49,285. Weights
    exist from construction, in the order cascade, convolution, kernel, bias. With the dtype policy
    "mixed_bfloat16" only the convolutions run in bfloat16.

    Beyond the papers a network may work on pixels that are put into channels (`unshuffle`), use
    one block for all cascades (`shared`), hand channels of its own from cascade to cascade
    (`memory`), be wider in training than in use (`expansion`) and end with a cascade at full
    resolution (`final_convs`). Its name says so: "D5C8-unshuffle2", "D3C5-shared-memory4".

    Args:
        num_convs: convolutions per cascade (d), at least 2.
        num_cascades: cascades (c), at least 1.
        filters: channels between the convolutions.
        residual: whether a cascade adds its input to the output of its convolutions: the KD-MRI
            paper does, its code does not. RESULTS.md has the measurement behind the default.
        noise_weight: lambda of `DataConsistency`; None replaces measured samples; "learned" lets
            every cascade learn how far to go, see `ConsistencyWeight`, and "learned_steps", of
            complex images, the size of each of its steps, see `ConsistencySteps`.
        consistency_form: how `DataConsistency` is computed: "auto", "rfft", "fft", "rows" or
            "columns".
        complex_images: whether images are complex: two channels in and out instead of one.
        consistency_steps: of data consistency in every cascade, for several coils.
        unshuffle: r; squares of r x r pixels become one pixel with r^2 channels for the
            convolutions of a cascade, which take a quarter of the time at 2. Features are
            `(batch, ceil(H / r), ceil(W / r), filters)`.
        shared: whether all cascades have the weights of one, but for `final_convs`.
        memory: channels, at that resolution, that a cascade hands on beside the image; 0 at first,
            and each cascade adds to them as it adds to the image.
        expansion: convolutions are the product of one of expansion * filters channels and of a
            1x1 convolution, in training; exports collapse them. See `ExpandedConvolution`.
        final_convs: convolutions, at least 2, of one more cascade at full resolution, which ends
            the network; 0 for none.

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
    name_pattern = architecture_names.PATTERN
    name_example = architecture_names.EXAMPLE

    def __init__(
        self,
        num_convs: int,
        num_cascades: int,
        filters: int = 32,
        residual: bool = True,
        noise_weight: float | str | None = None,
        consistency_form: str = "auto",
        complex_images: bool = False,
        consistency_steps: int = 1,
        unshuffle: int = 1,
        shared: bool = False,
        memory: int = 0,
        expansion: int = 1,
        final_convs: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_convs = num_convs
        self.num_cascades = num_cascades
        self.filters = filters
        self.residual = residual
        self.noise_weight = noise_weight
        self.consistency_form = consistency_form
        self.complex_images = bool(complex_images)
        self.consistency_steps = consistency_steps
        self.unshuffle = unshuffle
        self.shared = bool(shared)
        self.memory = memory
        self.expansion = expansion
        self.final_convs = final_convs
        architecture_names.check_architecture(
            num_convs, num_cascades, filters, **self._beyond_the_papers
        )
        channels = self.channels * unshuffle**2 + memory
        names = ["cascades"] if shared else [f"cascade{i + 1}" for i in range(num_cascades)]
        self.blocks = [self._block(num_convs, channels, name) for name in names]
        if final_convs:
            self.blocks.append(self._block(final_convs, self.channels, "final_cascade"))
        self.data_consistency = DataConsistency(
            None if isinstance(noise_weight, str) else noise_weight,
            consistency_form,
            complex_images=self.complex_images,
            steps=consistency_steps,
            name="data_consistency",
        )
        self.consistency_weights = learned_consistency(
            noise_weight, len(self.feature_factors), consistency_steps, self.complex_images
        )
        self.build(dict.fromkeys(self.input_specification))

    def _block(self, num_convs: int, channels: int, name: str) -> ConvBlock:
        return ConvBlock(
            *(num_convs, self.filters),
            channels=channels,
            expansion=self.expansion,
            dtype=self.dtype_policy,
            name=name,
        )

    @classmethod
    def _arguments_of(cls, name: str) -> dict[str, Any] | None:
        return architecture_names.arguments_of(name)

    @property
    def architecture(self) -> str:
        """Its name, such as "D5C5" or "D5C8-unshuffle2"."""
        return architecture_names.name_of(
            self.num_convs, self.num_cascades, self._beyond_the_papers
        )

    @property
    def feature_factors(self) -> list[int]:
        """By how much each cascade's feature is smaller than the image, along both axes."""
        return [self.unshuffle] * self.num_cascades + [1] * bool(self.final_convs)

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """All arguments, name -> value."""
        # Others are left out where they have their default: configurations of old stages agree.
        names = ["num_convs", "num_cascades", "filters", "residual", "noise_weight"]
        names += ["consistency_form"] + ["complex_images"] * self.complex_images
        names += ["consistency_steps"] * (self.consistency_steps > 1)
        return {**{name: getattr(self, name) for name in names}, **self._beyond_the_papers}

    @property
    def _beyond_the_papers(self) -> dict[str, Any]:
        """The arguments that the papers' networks do not need, where they are not the default."""
        defaults = architecture_names.DEFAULTS
        return {n: getattr(self, n) for n in defaults if getattr(self, n) != defaults[n]}

    def _restore(self, *measured: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        state, measurement = self.begin(*measured)
        features = []
        for index in range(len(self.feature_factors)):
            state, feature = self.cascade(index, state, measurement)
            features.append(feature)
        return state.image, features

    def begin(
        self, kspace: tf.Tensor, mask: tf.Tensor, sensitivities: tf.Tensor | None = None
    ) -> tuple[CascadeState, Measurement]:
        """Returns what cascades work on: (state with the zero-filled image, measurement).

        Args:
            kspace: `(batch, H, W, 2)`, or `(batch, coils, H, W, 2)` of complex images.
            mask: `(batch, H, W)`.
            sensitivities: of complex images, as the k-space; None for one coil.
        """
        measurement = self.data_consistency.measure(kspace, mask, sensitivities)
        if self.complex_images:
            image = measurement["zero_filled"]
        else:
            image = ops.expand_dims(measurement["magnitude"], -1)
        used_again = self.blocks[0].trainable_variables if self.shared else ()
        scopes = variable_copies(used_again, len(self.feature_factors))
        return CascadeState(image, None, scopes), measurement

    def cascade(
        self, index: int, state: CascadeState, measurement: Measurement
    ) -> tuple[CascadeState, tf.Tensor]:
        """Computes one cascade: (state after data consistency, feature).

        Args:
            index: which of the cascades.
            state: of the one before, or what `begin` returned.
            measurement: what `begin` returned.
        """
        state, feature = self.convolve(index, state)
        return state._replace(image=self.correct(index, state.image, measurement)), feature

    def convolve(self, index: int, state: CascadeState) -> tuple[CascadeState, tf.Tensor]:
        """Computes one cascade up to data consistency: (state, feature).

        Args:
            index: which of the cascades.
            state: of the one before, or what `begin` returned.
        """
        with state.scopes[index]:
            return convolved(
                self.block_of(index),
                state,
                factor=self.feature_factors[index],
                memory=0 if index == self.num_cascades else self.memory,
                residual=self.residual,
            )

    def block_of(self, cascade: int) -> ConvBlock:
        """Returns the block that computes a cascade, counted from 0."""
        is_final = cascade == self.num_cascades
        return self.blocks[-1 if is_final else 0 if self.shared else cascade]

    def correct(self, index: int, image: tf.Tensor, measurement: Measurement) -> tf.Tensor:
        """Computes the data consistency of one cascade, `(batch, H, W, C)`.

        Args:
            index: which of the cascades.
            image: float32 `(batch, H, W, C)`.
            measurement: what `begin` returned.
        """
        if not self.consistency_weights:
            return self.data_consistency.correct(image, measurement)
        weight = self.consistency_weights[index]
        return weight.correct(self.data_consistency, image, measurement)

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
        check_shapes(shapes, self.complex_images)
