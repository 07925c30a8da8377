"""Variables that are used several times: their gradients are added in one order, see `fan_out`."""

import contextlib
from collections.abc import Sequence

import keras
import tensorflow as tf

from kdmri_tf.compute.fan_out import fan_out


def variable_copies(
    variables: Sequence[keras.Variable], uses: int
) -> Sequence[contextlib.AbstractContextManager]:
    """Returns a context for each use of the variables, in which they are copies for it alone.

    Args:
        variables: what is used in each of the contexts and is to be trained.
        uses: how many contexts; below three they do nothing, as two gradients can be added in any
            order.
    """
    if uses < 3 or not variables:
        return [contextlib.nullcontext()] * uses
    copies = [fan_out(tf.convert_to_tensor(variable.value), uses) for variable in variables]
    return [
        keras.StatelessScope(state_mapping=list(zip(variables, of_use, strict=True)))
        for of_use in zip(*copies, strict=True)
    ]
