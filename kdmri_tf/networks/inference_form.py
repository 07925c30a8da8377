"""The form in which a network is run and exported, and the contract of all exports."""

import itertools

import keras
import tensorflow as tf

from kdmri_tf.compute import parallel
from kdmri_tf.errors import InputError
from kdmri_tf.networks.conv_block import ConvBlock
from kdmri_tf.networks.network import Network


def inference_copy(
    network: Network, precision: str = "float32", consistency_form: str = "auto"
) -> Network:
    """Copies a network, weights included, in the form that is fastest without gradients.

    Args:
        network: `DCCNN`, `VDSR` or a subclass with layers of its own.
        precision: dtype policy of the copy. In float32 the last convolution of every block is
            split, see `ConvBlock`; in bfloat16 that gains nothing.
        consistency_form: form of `DataConsistency`, where the network has one.

    Raises:
        InputError: a weight that the configuration of the network does not bring about.
    """
    config = {**network.get_config(), "dtype": precision, "trainable": False}
    if "consistency_form" in config:
        config["consistency_form"] = consistency_form
    copy = type(network).from_config(
        {**config, "expansion": 1} if "expansion" in config else config
    )
    for block, given in zip(copy.blocks, network.blocks, strict=True):
        pairs = zip(_of_convolutions(block), given.collapsed_weights(), strict=True)
        for variable, collapsed in pairs:
            variable.assign(collapsed)
        block.splits_last = precision == "float32"
    _copy_other_weights(network, copy)
    return copy


def _of_convolutions(block: ConvBlock) -> list[keras.Variable]:
    """Returns what `ConvBlock.collapsed_weights` are of, where nothing is expanded."""
    return [weight for conv in block.convs for weight in (conv.kernel, conv.bias)]


def _copy_other_weights(network: Network, copy: Network) -> None:
    """Copies what is no convolution of a block: learned consistency, and layers of subclasses.

    In their order, which the constructor makes: layers that nobody named have other names in a
    copy.

    Raises:
        InputError: a weight has no counterpart.
    """
    given, taken = _other_weights(network), _other_weights(copy)
    for old, new in itertools.zip_longest(given, taken):
        if old is None or new is None or (old.name, old.shape) != (new.name, new.shape):
            left = new if old is None else old
            raise InputError(
                f"The weight {left.path} {tuple(left.shape)} of this {type(network).__name__} has "
                "no counterpart in a copy made by from_config(get_config()): have get_config tell "
                "all arguments, and create layers and weights in build, not in the first call."
            )
        new.assign(old)


def _other_weights(network: Network) -> list[keras.Variable]:
    convs = [conv for block in network.blocks for conv in block.convs]
    of_convs = {id(weight) for conv in convs for weight in conv.weights}
    return [weight for weight in network.weights if id(weight) not in of_convs]


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
