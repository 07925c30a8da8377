"""What all networks share: a name, named inputs, features beside the image, saving and export."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import keras
import tensorflow as tf
from keras import ops

from kdmri_tf.choices import EXPORT_FORMATS
from kdmri_tf.compute import parallel
from kdmri_tf.errors import InputError
from kdmri_tf.networks.conv_block import ConvBlock
from kdmri_tf.networks.exporter import exporter
from kdmri_tf.physics.degradation import Degradation

Shape = tuple[int | None, ...]


class Network(keras.Model):
    """Undoes a degradation with one or more blocks of convolutions; what all networks share.

    `network(inputs)` gives the image, float32 `(batch, H, W, 1)`;
    `network(inputs, return_features=True)` gives `(image, features)`, a list with the matched
    activation `(batch, H, W, filters)` of every block. Inputs are a dictionary of float32 tensors,
    as `input_specification` has them.

    A subclass computes one thing, `_restore`, checks shapes in `_check_shapes` and has:

    Attributes:
        degradation: the `Degradation` whose inputs it takes, a class.
        name_pattern: regular expression of its names, with the first arguments as groups.
        name_example: how such a name is written, in words.
        architecture: its own name.
        hyperparameters: all its arguments, name -> value.
        filters: channels between its convolutions.
        blocks: its `ConvBlock`s.
    """

    degradation: ClassVar[type[Degradation]]
    name_pattern: ClassVar[str]
    name_example: ClassVar[str]
    filters: int
    blocks: list[ConvBlock]

    def __init__(self, **kwargs: Any) -> None:
        # Mixed precision must not round the inputs: Keras would cast them before `call`.
        super().__init__(autocast=False, **kwargs)

    @classmethod
    def from_name(cls, name: str, **kwargs: Any) -> Self:
        """Makes the network of that name.

        Args:
            name: such as `name_example` describes, in upper or lower case.
            kwargs: the other arguments of the constructor.

        Raises:
            InputError: this network has no names of that form.
        """
        match = re.fullmatch(cls.name_pattern, str(name), re.IGNORECASE)
        if match is None:
            raise InputError(f"{name!r} is not a network name; write {cls.name_example}.")
        return cls(*map(int, match.groups()), **kwargs)

    @property
    def architecture(self) -> str:
        """Its own name, as `from_name` takes it."""
        raise NotImplementedError

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """All arguments, name -> value."""
        raise NotImplementedError

    @property
    def input_specification(self) -> dict[str, tf.TensorSpec]:
        """Name -> `tf.TensorSpec` of the inputs; batch, height and width are free."""
        return self.degradation.input_specification

    @property
    def facts(self) -> dict[str, Any]:
        """What every export tells about its network, as JSON values."""
        return {
            "architecture": self.architecture,
            **self.hyperparameters,
            "parameters": self.count_params(),
            "intended_use": "research only, not for clinical use",
        }

    def build(self, input_shape: Any) -> None:
        """Creates the weights, which depend on no size."""
        for block in self.blocks:
            block.build((None, None, None, 1))
        self.built = True

    def call(
        self, inputs: Mapping[str, tf.Tensor], return_features: bool = False
    ) -> tf.Tensor | tuple[tf.Tensor, list[tf.Tensor]]:
        """Returns the image, float32 `(batch, H, W, 1)`; with `return_features` its features too.

        Raises:
            InputError: the inputs break the contract of the network.
        """
        image, features = parallel.by_parts(self._restore, *self.check_inputs(inputs))
        return (image, features) if return_features else image

    def _restore(self, *tensors: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Computes (image, features) from the inputs, in the order of `input_specification`."""
        raise NotImplementedError

    def check_inputs(self, inputs: Mapping[str, tf.Tensor]) -> list[tf.Tensor]:
        """Returns the float32 tensors of the inputs, in the order of `input_specification`.

        Raises:
            InputError: they break the contract of the network.
        """
        names = list(self.input_specification)
        if not isinstance(inputs, dict) or set(inputs) != set(names):
            given = sorted(inputs) if isinstance(inputs, dict) else type(inputs).__name__
            keys = "key" if len(names) == 1 else "keys"
            raise InputError(
                f"A {type(self).__name__} takes a dictionary with the {keys} {_in_words(self)}; "
                f"got {given}."
            )
        self._check_shapes({name: tuple(inputs[name].shape) for name in names})
        return [ops.convert_to_tensor(inputs[name], "float32") for name in names]

    def _check_shapes(self, shapes: dict[str, Shape]) -> None:
        """Raises an InputError for an input of a shape that the network does not take."""
        raise NotImplementedError

    def check_degradation(self, degradation: Degradation) -> None:
        """Refuses data that is degraded in another way than this network undoes.

        Raises:
            InputError: the degradation makes other inputs.
        """
        if not isinstance(degradation, self.degradation):
            taken, given = _in_words(self), _in_words(degradation)
            raise InputError(
                f"{self.architecture} takes {taken}, but the data provides {given}; choose a "
                "network for this task."
            )

    def export(
        self,
        filepath: Path | str,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Writes the network for serving: `keras.Model.export`, with one contract for four formats.

        Args:
            filepath: file or folder to write.
            format: "tf_saved_model", "litert", "onnx" and "openvino" go to
                `kdmri_tf.export_network`; others, and any with an `input_signature`, to Keras.
            verbose: for Keras; `export_network` prints nothing.
            kwargs: the other arguments of `export_network` or Keras.

        Raises:
            InputError: as `export_network`.
        """
        name = {"tf_saved_model": "saved_model"}.get(format, format)
        if name in EXPORT_FORMATS and "input_signature" not in kwargs:
            exporter()(self, filepath, name, **kwargs)
        else:
            super().export(filepath, format=format, verbose=verbose, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, for Keras to make the network anew."""
        return {**super().get_config(), **self.hyperparameters}


def _in_words(party: Network | Degradation) -> str:
    """Names the inputs that a network takes or a degradation makes."""
    return " and ".join(f'"{name}"' for name in party.input_specification)
