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
    copy = type(network).from_config(
        {**config, "expansion": 1} if "expansion" in config else config
    )
    weights = [block.collapsed_weights() for block in network.blocks]
    for block, collapsed in zip(copy.blocks, weights, strict=True):
        block.set_weights(collapsed)
        block.splits_last = precision == "float32"
    scalars = [getattr(net, "consistency_weights", ()) for net in (copy, network)]
    for scalar, given in zip(*scalars, strict=True):
        scalar.set_weights(given.get_weights())
    return copy


def serve(
    network: Network,
    image_size: tuple[int | None, int | None] = (None, None),
    coils: int | None = None,
    estimates_sensitivities: bool = False,
) -> tf.types.experimental.PolymorphicFunction:
    """Wraps a network in the contract of all exports.

    Args:
        network: `DCCNN` or `VDSR`.
        image_size: (H, W), None for any.
        coils: of a network of complex images; None for any number.
        estimates_sensitivities: whether it computes those of the coils itself, instead of taking
            them.

    Returns:
        `tf.function` of the network's named float32 inputs, in their order, to
        {"image": float32 `(batch, H, W, C)`}.
    """
    left_out = network.optional_inputs if estimates_sensitivities else ()
    names = [name for name in network.input_specification if name not in left_out]
    signature = [_sized(network.input_specification[name], image_size, coils) for name in names]

    @tf.function(input_signature=signature)
    def serve(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        with parallel.whole_batches():
            inputs = dict(zip(names, tensors, strict=True))
            if estimates_sensitivities:
                estimate = network.data_consistency.estimate_sensitivities
                inputs["sensitivities"] = estimate(inputs["kspace"], inputs["mask"])
            return {"image": network(inputs, training=False)}

    return serve


def _sized(
    spec: tf.TensorSpec, image_size: tuple[int | None, int | None], coils: int | None
) -> tf.TensorSpec:
    """Returns the specification of an input with these sizes; k-space with coils has five axes."""
    if spec.shape.rank == 5:
        return tf.TensorSpec((None, coils, *image_size, 2), spec.dtype, name=spec.name)
    return tf.TensorSpec((None, *image_size, *spec.shape[3:]), spec.dtype, name=spec.name)
