"""What all networks share: a name, named inputs, features beside the image, saving and export."""

import re
from typing import ClassVar

import keras
from keras import ops

from kdmri_tf.choices import EXPORT_FORMATS
from kdmri_tf.compute import parallel
from kdmri_tf.errors import InputError
from kdmri_tf.networks.exporter import exporter


class Network(keras.Model):
    """A network that undoes a degradation with one or more blocks of convolutions.

    `network(inputs)` gives the image, float32 `(batch, H, W, 1)`;
    `network(inputs, return_features=True)` gives `(image, features)`, a list with the matched
    activation `(batch, H, W, filters)` of every block. Inputs are a dictionary of float32 tensors,
    as `input_specification` has them.

    A subclass computes one thing, `_restore`, and says of itself:

    Attributes:
        degradation: the class of `degradation` whose inputs it takes.
        name_pattern: regular expression of its names, with the first arguments as groups.
        name_example: how such a name is written, in words.
        architecture: its own name.
        hyperparameters: all its arguments, name -> value.
        blocks: its `ConvBlock`s.
    """

    degradation: ClassVar[type]
    name_pattern: ClassVar[str]
    name_example: ClassVar[str]

    def __init__(self, **kwargs):
        # Mixed precision must not round the inputs: Keras would cast them before `call`.
        super().__init__(autocast=False, **kwargs)

    @classmethod
    def from_name(cls, name, **kwargs):
        """The network of that name; other arguments pass through.

        Raises:
            InputError: the name is not of the form that this network has.
        """
        match = re.fullmatch(cls.name_pattern, str(name), re.IGNORECASE)
        if match is None:
            raise InputError(f"{name!r} is no network name; write {cls.name_example}.")
        return cls(*map(int, match.groups()), **kwargs)

    @property
    def input_specification(self):
        """Name -> `tf.TensorSpec` of the inputs; batch, height and width are free."""
        return self.degradation.input_specification

    @property
    def facts(self):
        """What every export says of its network, as JSON values."""
        return {
            "architecture": self.architecture,
            **self.hyperparameters,
            "parameters": self.count_params(),
            "intended_use": "research only, not for clinical use",
        }

    def build(self, input_shape):
        for block in self.blocks:
            block.build((None, None, None, 1))
        self.built = True

    def call(self, inputs, return_features=False):
        image, features = parallel.by_parts(self._restore, *self.check_inputs(inputs))
        return (image, features) if return_features else image

    def _restore(self, *tensors):
        """(image, features) of the input tensors, in the order of `input_specification`."""
        raise NotImplementedError

    def check_inputs(self, inputs):
        """The tensors of a dictionary of inputs, in the order of `input_specification`.

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
        self._check_shapes(**{name: tuple(inputs[name].shape) for name in names})
        return [ops.convert_to_tensor(inputs[name], "float32") for name in names]

    def _check_shapes(self, **shapes):
        """Raises an InputError for an input of another shape than the network takes."""
        raise NotImplementedError

    def check_degradation(self, degradation):
        """Refuses data that is degraded in another way than this network undoes.

        Raises:
            InputError: the degradation makes other inputs.
        """
        if not isinstance(degradation, self.degradation):
            taken, given = map(_in_words, (self, degradation))
            raise InputError(
                f"{self.architecture} takes {taken}, but the data comes as {given}; choose a "
                "network for this task."
            )

    def export(self, filepath, format="tf_saved_model", verbose=None, **kwargs):
        """As `keras.Model.export`, but four formats go by one contract.

        "tf_saved_model", "litert", "onnx" and "openvino": see `kdmri_tf.export_network`, which
        takes the other arguments (`verbose` has no effect on it: it prints nothing).
        """
        name = {"tf_saved_model": "saved_model"}.get(format, format)
        if name in EXPORT_FORMATS and "input_signature" not in kwargs:
            exporter()(self, filepath, name, **kwargs)
        else:
            super().export(filepath, format=format, verbose=verbose, **kwargs)

    def get_config(self):
        return {**super().get_config(), **self.hyperparameters}


def _in_words(party):
    """The names of the inputs that a network takes or a degradation makes."""
    return " and ".join(f'"{name}"' for name in party.input_specification)
