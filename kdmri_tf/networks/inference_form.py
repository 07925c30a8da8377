"""The form in which a network is run and exported, and the contract of all exports."""

import tensorflow as tf

from kdmri_tf.compute import parallel
from kdmri_tf.networks.network import Network


def inference_copy(
    network: Network, precision: str = "float32", consistency_form: str = "auto"
) -> Network:
    """Copies a network, weights included, in the form that is fastest without gradients.

    Args:
        network: `DCCNN` or `VDSR`.
        precision: dtype policy of the copy. In float32 the last convolution of every block is
            split, see `ConvBlock`; in bfloat16 that gains nothing.
        consistency_form: form of `DataConsistency`, where the network has one.
    """
    config = {**network.get_config(), "dtype": precision, "trainable": False}
    if "consistency_form" in config:
        config["consistency_form"] = consistency_form
    copy = type(network).from_config(config)
    copy.set_weights(network.get_weights())
    for block in copy.blocks:
        block.splits_last = precision == "float32"
    return copy


def serve(
    network: Network, image_size: tuple[int | None, int | None] = (None, None)
) -> tf.types.experimental.PolymorphicFunction:
    """Wraps a network in the contract of all exports.

    Args:
        network: `DCCNN` or `VDSR`.
        image_size: (H, W), None for any.

    Returns:
        `tf.function` of the network's named float32 inputs, in their order, to
        {"image": float32 `(batch, H, W, 1)`}.
    """
    names = list(network.input_specification)
    signature = [
        tf.TensorSpec((None, *image_size, *spec.shape[3:]), spec.dtype, name=name)
        for name, spec in network.input_specification.items()
    ]

    @tf.function(input_signature=signature)
    def serve(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        with parallel.whole_batches():
            return {"image": network(dict(zip(names, tensors, strict=True)), training=False)}

    return serve
