"""VDSR: the residual convolutional network that sharpens low-resolution MRI."""

import keras
from keras import ops

from kdmri_tf.errors import InputError
from kdmri_tf.networks.conv_block import ConvBlock
from kdmri_tf.networks.network import Network
from kdmri_tf.physics.degradation import LowResolution


@keras.saving.register_keras_serializable(package="kdmri_tf")
class VDSR(Network):
    """Convolutions that learn what an image at low resolution lacks.

    ::

        x = max(u + ConvBlock(u), 0)

    Inputs: a dictionary of `low_resolution` float32 `(batch, H, W, 1)`, the image blurred at its
    full size, see `LowResolution`. Output: image float32 `(batch, H, W, 1)`. Any batch, H and W.

    `model(inputs, return_features=True)` gives `(image, features)`: a list with one activation,
    `(batch, H, W, filters)`, of convolution ceil(num_convs / 2) after ReLU.

    A teacher and a student are two of these: VDSR11 has 333,569 parameters and its feature is of
    convolution 6; VDSR7 has 185,857, and convolution 4. Weights exist from construction, in the
    order convolution, kernel, bias; with those it starts with (see `ConvBlock`), it is the
    identity. With the dtype policy "mixed_bfloat16" only the convolutions run in bfloat16.

    Args:
        num_convs: convolutions, at least 2.
        filters: channels between them.
        nonnegative: whether negative intensities become 0, as a magnitude image has none; the paper
            leaves them. RESULTS.md has the measurement behind the default.

    Raises:
        InputError: an impossible architecture, or inputs that break the contract above.

    Source: Kim et al., CVPR 2016; KD-MRI (2020), section 3, in these sizes.
    """

    degradation = LowResolution
    name_pattern = r"VDSR(\d+)"
    name_example = 'VDSR and the number of convolutions, such as "VDSR11" or "VDSR7"'

    def __init__(self, num_convs, filters=64, nonnegative=True, **kwargs):
        super().__init__(**kwargs)
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

    @property
    def architecture(self):
        """Its name, such as "VDSR11"."""
        return f"VDSR{self.num_convs}"

    @property
    def hyperparameters(self):
        return {
            "num_convs": self.num_convs,
            "filters": self.filters,
            "nonnegative": self.nonnegative,
        }

    def _restore(self, low_resolution):
        (block,) = self.blocks
        detail, feature = block(ops.cast(low_resolution, block.compute_dtype))
        image = low_resolution + ops.cast(detail, "float32")
        return (ops.relu(image) if self.nonnegative else image), [feature]

    def _check_shapes(self, low_resolution):
        if len(low_resolution) != 4 or low_resolution[-1] != 1:
            raise InputError(
                f"low_resolution must be (batch, height, width, 1); got shape {low_resolution}."
            )
