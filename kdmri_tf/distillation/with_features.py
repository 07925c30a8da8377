"""Networks of your own in distillation: named layers of a functional model give the features."""

from collections.abc import Sequence
from typing import Any, Self

import keras
import tensorflow as tf

from kdmri_tf.errors import InputError


@keras.saving.register_keras_serializable(package="kdmri_tf")
class WithFeatures(keras.Model):
    """Gives the activations of named layers beside the image, as losses of features need them.

    `model(inputs)` is the image of the network, `model(inputs, return_features=True)` the pair
    (image, list of activations, in the order of the names). It is saved with its network, also as
    teacher or student within a `Distiller`; to save what was trained alone, save `model.network`.

    Args:
        network: functional or sequential model from the inputs to one image `(batch, H, W, 1)`.
        names: of its layers whose outputs, `(batch, H, W, channels)`, are compared, from the first
            to the last; of a layer that is used more than once, its first output.

    Attributes:
        network: as given; its weights are shared, not copied.
        names: as given.

    Raises:
        InputError: another kind of model, several outputs, no name, or a name that no layer with
            one output has.

    Example:
        >>> import keras
        >>> from kdmri_tf import AttentionTransfer, Distiller, WithFeatures
        >>> def network(filters):
        ...     image = keras.Input((16, 16, 1))
        ...     middle = keras.layers.Conv2D(filters, 3, padding="same", name="middle")(image)
        ...     return keras.Model(image, keras.layers.Conv2D(1, 3, padding="same")(middle))
        >>> teacher, student = (WithFeatures(network(count), ["middle"]) for count in (8, 4))
        >>> distiller = Distiller(teacher, student)
        >>> distiller.compile("adam", AttentionTransfer())  # then fit, as any Keras model
        >>> image, features = student(keras.ops.ones((2, 16, 16, 1)), return_features=True)
        >>> tuple(image.shape), [tuple(feature.shape) for feature in features]
        ((2, 16, 16, 1), [(2, 16, 16, 4)])
    """

    def __init__(self, network: keras.Model, names: Sequence[str], **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        _check_network(network)
        self.network = network
        self.names = list(names)
        if isinstance(names, str) or not self.names:
            raise InputError(f'names must be a list of layers, such as ["middle"]; got {names!r}.')
        features = [_output_of(network, name) for name in self.names]
        inputs = network.inputs if isinstance(network, keras.Sequential) else network.input
        both = keras.Model(inputs, [*network.outputs, *features])
        # In a function, where Keras does not see it: the layers are the network's, once.
        self._compute = lambda given, training: both(given, training=training)
        self.built = True

    def call(
        self, inputs: Any, training: bool = False, return_features: bool = False
    ) -> tf.Tensor | tuple[tf.Tensor, list[tf.Tensor]]:
        """Returns the image, or (image, list of activations)."""
        image, *features = self._compute(inputs, training)
        return (image, features) if return_features else image

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, for Keras to make the model anew."""
        network = keras.saving.serialize_keras_object(self.network)
        return {**super().get_config(), "network": network, "names": self.names}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """Makes the model of a configuration, its network with new weights."""
        network = keras.saving.deserialize_keras_object(config["network"], custom_objects)
        return cls(**{**config, "network": network})


def _check_network(network: Any) -> None:
    """Refuses what has no named layers between its inputs and one image."""
    if not isinstance(network, keras.Model) or not getattr(network, "inputs", None):
        raise InputError(
            "WithFeatures takes a functional model, or a sequential one that begins with a "
            f"keras.Input; got a {type(network).__name__}. A class of your own gives features "
            "itself, where call takes return_features."
        )
    if len(network.outputs) != 1:
        raise InputError(
            f"WithFeatures takes a model of one output, the image; {network.name} has "
            f"{len(network.outputs)}."
        )


def _output_of(network: keras.Model, name: str) -> Any:
    """Returns the symbolic output of a layer."""
    layers = {layer.name: layer for layer in network.layers}
    if name not in layers:
        raise InputError(f"{network.name} has no layer {name!r}; it has {', '.join(layers)}.")
    output = layers[name].output
    if not isinstance(output, keras.KerasTensor):
        raise InputError(f"The layer {name!r} of {network.name} has several outputs; name others.")
    return output
