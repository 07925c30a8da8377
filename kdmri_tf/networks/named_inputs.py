"""The inputs of a network by name: what it takes, what it is given, and how both are told."""

from collections.abc import Mapping
from typing import Any, Protocol

import tensorflow as tf
from keras import ops

from kdmri_tf.errors import InputError
from kdmri_tf.physics.real_numbers import check_real


class Party(Protocol):
    """A network that takes named inputs, or a degradation that makes them."""

    @property
    def input_specification(self) -> dict[str, tf.TensorSpec]:
        """Name -> `tf.TensorSpec` of the inputs."""


def named_tensors(
    party: Party, inputs: Mapping[str, tf.Tensor], optional: tuple[str, ...] = ()
) -> dict[str, tf.Tensor]:
    """Returns the float32 tensors of a network's inputs, in the order of its specification.

    Args:
        party: the network.
        inputs: what it is given.
        optional: names that may be missing, and then are left out.

    Raises:
        InputError: no dictionary, other keys, or complex numbers.
    """
    names = given_names(party, inputs, optional)
    tensors = {}
    for name in names:
        check_real(inputs[name], name)
        tensor = ops.convert_to_tensor(inputs[name], "float32")
        if tensor.shape.rank is None:  # as behind `tf.numpy_function`
            tensor = tf.ensure_shape(tensor, party.input_specification[name].shape)
        tensors[name] = tensor
    return tensors


def given_names(
    party: Party, inputs: Mapping[str, Any], optional: tuple[str, ...] = ()
) -> list[str]:
    """Returns the names of a network's inputs that are given, in the order of its specification.

    Raises:
        InputError: no dictionary, or other keys.
    """
    names = list(party.input_specification)
    if isinstance(inputs, dict):
        names = [name for name in names if name in inputs or name not in optional]
    if not isinstance(inputs, dict) or set(inputs) != set(names):
        given = sorted(inputs) if isinstance(inputs, dict) else type(inputs).__name__
        keys = "key" if len(names) == 1 else "keys"
        raise InputError(
            f"A {type(party).__name__} takes a dictionary with the {keys} {in_words(party)}; "
            f"got {given}."
        )
    return names


def ranks(party: Party) -> dict[str, int]:
    """Returns the number of axes of each input that a network takes or a degradation makes."""
    return {name: spec.shape.rank for name, spec in party.input_specification.items()}


def in_words(party: Party) -> str:
    """Names these inputs."""
    words = " and ".join(f'"{name}"' for name in party.input_specification)
    return f"{words} of complex images" if 5 in ranks(party).values() else words
