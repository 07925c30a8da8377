"""The form in which a network is run and exported, and the contract of all exports."""

import tensorflow as tf

from kdmri_tf.compute import parallel


def inference_copy(network, precision="float32", consistency_form="auto"):
    """The same network with the same weights, in the form that is fastest without gradients.

    Args:
        network: `DCCNN` or `VDSR`.
        precision: dtype policy of the copy. In float32 the last convolution of every block is
            split, see `ConvBlock`; in bfloat16 that gains nothing.
        consistency_form: of `DataConsistency`, where the network has one.
    """
    config = {**network.get_config(), "dtype": precision, "trainable": False}
    if "consistency_form" in config:
        config["consistency_form"] = consistency_form
    copy = type(network).from_config(config)
    copy.set_weights(network.get_weights())
    for block in copy.blocks:
        block.splits_last = precision == "float32"
    return copy


def serve(network, image_size=(None, None)):
    """The contract: a `tf.function` of the network's named float32 inputs, in their order.

    It returns {"image": float32 `(batch, H, W, 1)`}.

    Args:
        network: `DCCNN` or `VDSR`.
        image_size: (H, W), None for any.
    """
    names = list(network.input_specification)
    signature = [
        tf.TensorSpec((None, *image_size, *spec.shape[3:]), spec.dtype, name=name)
        for name, spec in network.input_specification.items()
    ]

    @tf.function(input_signature=signature)
    def serve(*tensors):
        with parallel.whole_batches():
            return {"image": network(dict(zip(names, tensors, strict=True)), training=False)}

    return serve
