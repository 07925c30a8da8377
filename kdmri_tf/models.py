"""DC-CNN: the deep cascade of convolutional networks that reconstructs undersampled MRI."""

import re

import keras
from keras import ops

from kdmri_tf import export, parallel
from kdmri_tf.data_consistency import DataConsistency
from kdmri_tf.errors import InputError
from kdmri_tf.layers import ConvBlock


@keras.saving.register_keras_serializable(package="kdmri_tf")
class DCCNN(keras.Model):
    """Deep cascade "DdCc": c cascades of d convolutions, each followed by data consistency.

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
        num_convs: convolutions a cascade (d), at least 2.
        num_cascades: cascades (c), at least 1.
        filters: channels between the convolutions.
        residual: whether a cascade adds its input to its convolutions' output, as the KD-MRI paper
            has it and its code has not. RESULTS.md has the measurement behind the default.
        noise_weight: lambda of `DataConsistency`; None replaces measured samples.
        consistency_form: how `DataConsistency` is computed: "auto", "rfft" or "fft".

    Raises:
        InputError: an impossible architecture, or inputs that break the contract above.

    Source: KD-MRI (2020), section 2.1 and figure 1; SFT-KD-Recon (2023) names it DdCc.
    """

    def __init__(
        self,
        num_convs,
        num_cascades,
        filters=32,
        residual=True,
        noise_weight=None,
        consistency_form="auto",
        **kwargs,
    ):
        # Mixed precision must not round k-space: Keras would cast the inputs before `call`.
        super().__init__(autocast=False, **kwargs)
        if num_cascades < 1:
            raise InputError(f"A DCCNN needs at least 1 cascade; got {num_cascades}.")
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

    @classmethod
    def from_name(cls, name, **kwargs):
        """The network with the papers' name "DdCc", such as "D5C5"; other arguments pass through.

        Raises:
            InputError: the name is not of that form.
        """
        match = re.fullmatch(r"D(\d+)C(\d+)", str(name), re.IGNORECASE)
        if match is None:
            raise InputError(
                f"{name!r} is no network name; write DdCc for d convolutions in each of c "
                'cascades, such as "D5C5" or "D3C5".'
            )
        return cls(int(match[1]), int(match[2]), **kwargs)

    @property
    def architecture(self):
        """The papers' name, such as "D5C5"."""
        return f"D{self.num_convs}C{self.num_cascades}"

    def build(self, input_shape):
        for block in self.blocks:
            block.build((None, None, None, 1))
        self.built = True

    def call(self, inputs, return_features=False):
        image, features = parallel.by_parts(self._reconstruct, *self._check(inputs))
        return (image, features) if return_features else image

    def _reconstruct(self, kspace, mask):
        measurement = self.data_consistency.measure(kspace, mask)
        image = ops.expand_dims(ops.abs(measurement["zero_filled"]), -1)
        features = []
        for block in self.blocks:
            image, feature = self.cascade(block, image, measurement)
            features.append(feature)
        return image, features

    def cascade(self, block, image, measurement):
        """One cascade: image `(batch, H, W, 1)` to (image after data consistency, feature).

        Args:
            block: one of `blocks`.
            image: float32 `(batch, H, W, 1)`.
            measurement: what `data_consistency.measure` gives of k-space and mask.
        """
        update, feature = block(ops.cast(image, block.compute_dtype))
        update = ops.cast(update, "float32")
        image = image + update if self.residual else update
        return self.data_consistency.correct(image, measurement), feature

    def _check(self, inputs):
        if not isinstance(inputs, dict) or set(inputs) != {"kspace", "mask"}:
            given = sorted(inputs) if isinstance(inputs, dict) else type(inputs).__name__
            raise InputError(
                f'A DCCNN takes a dictionary with the keys "kspace" and "mask"; got {given}.'
            )
        kspace, mask = inputs["kspace"], inputs["mask"]
        shape, mask_shape = tuple(kspace.shape), tuple(mask.shape)
        if len(shape) != 4 or shape[-1] != 2:
            raise InputError(
                f"kspace must be (batch, height, width, 2) with real and imaginary part; got "
                f"shape {shape}."
            )
        fits = len(mask_shape) == 3 and all(
            None in pair or pair[0] == pair[1] for pair in zip(mask_shape, shape[:3], strict=True)
        )
        if not fits:
            raise InputError(
                f"mask must be (batch, height, width) as kspace is; got mask {mask_shape} and "
                f"kspace {shape}."
            )
        return (
            ops.convert_to_tensor(kspace, "float32"),
            ops.convert_to_tensor(mask, "float32"),
        )

    def export(self, filepath, format="tf_saved_model", **kwargs):
        """As `keras.Model.export`; a SavedModel gets named inputs, output and free sizes.

        See `kdmri_tf.export.export_saved_model` for the signature.
        """
        if format == "tf_saved_model" and "input_signature" not in kwargs:
            export.export_saved_model(self, filepath)
        else:
            super().export(filepath, format=format, **kwargs)

    def get_config(self):
        return {
            **super().get_config(),
            "num_convs": self.num_convs,
            "num_cascades": self.num_cascades,
            "filters": self.filters,
            "residual": self.residual,
            "noise_weight": self.noise_weight,
            "consistency_form": self.consistency_form,
        }
