"""Which parts of a network are frozen, for its configuration; Keras keeps that of the whole."""

from collections.abc import Iterable, Sequence

import keras


def frozen_parts(layer: keras.layers.Layer) -> list[str]:
    """Lists the frozen parts of a network or block, such as "cascade1" or "cascade2/conv1".

    None where the whole is frozen: Keras says so itself.
    """
    if not layer.trainable:
        return []
    names = []
    for part in _parts(layer):
        names += [f"{part.name}/{name}" for name in frozen_parts(part)]
        names += [] if part.trainable else [part.name]
    return names


def freeze_parts(layer: keras.layers.Layer, names: Iterable[str]) -> None:
    """Freezes the parts of these names, as `frozen_parts` lists them; all of a frozen layer.

    Only what is built keeps this: Keras makes new weights trainable.
    """
    names = set(names)
    for part in _parts(layer):
        if not layer.trainable or part.name in names:
            part.trainable = False
        else:
            prefix = f"{part.name}/"
            freeze_parts(part, [n.removeprefix(prefix) for n in names if n.startswith(prefix)])


def _parts(layer: keras.layers.Layer) -> Sequence[keras.layers.Layer]:
    """Returns the blocks of a network, or the convolutions of a block."""
    return getattr(layer, "blocks", getattr(layer, "convs", ()))
