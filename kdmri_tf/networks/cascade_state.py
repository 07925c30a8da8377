"""What goes from cascade to cascade, and how the convolutions of one change it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import tensorflow as tf
from keras import ops

from kdmri_tf.networks.conv_block import ConvBlock
from kdmri_tf.networks.pixel_shuffle import pixel_shuffle, pixel_unshuffle


class CascadeState(NamedTuple):
    """What one cascade hands to the next.

    Attributes:
        image: float32 `(batch, H, W, C)`.
        memory: `(batch, ceil(H / r), ceil(W / r), memory)`; None stands for zeros.
        scopes: for each cascade, the context in which its variables are used.
    """

    image: tf.Tensor
    memory: tf.Tensor | None
    scopes: Sequence[AbstractContextManager]


def convolved(
    block: ConvBlock, state: CascadeState, *, factor: int, memory: int, residual: bool
) -> tuple[CascadeState, tf.Tensor]:
    """Applies the convolutions of a cascade: (state, feature).

    ::

        u, m = block(concat(unshuffle(x), m'))
        x + shuffle(u), m' + m                      (without the sums where not residual)

    Args:
        block: of the cascade.
        state: of the one before.
        factor: of `pixel_unshuffle`.
        memory: channels that are handed on beside the image; 0 keeps what is there.
        residual: whether the block's output is added.
    """
    image = pixel_unshuffle(ops.cast(state.image, block.compute_dtype), factor)
    handed_on = state.memory
    if memory:
        if handed_on is None:
            handed_on = tf.zeros((*tf.unstack(tf.shape(image)[:3]), memory), image.dtype)
        image = tf.concat([image, handed_on], axis=-1)
    update, feature = block(image)
    if memory:
        update, added = tf.split(update, [block.channels - memory, memory], axis=-1)
        handed_on = handed_on + added if residual else added
    if factor > 1:
        height, width = tf.unstack(tf.shape(state.image)[1:3])
        update = pixel_shuffle(update, factor, (height, width))
    update = ops.cast(update, "float32")
    image = state.image + update if residual else update
    return state._replace(image=image, memory=handed_on), feature
