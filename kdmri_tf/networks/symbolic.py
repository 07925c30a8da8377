"""What Keras knows of a network's outputs before anything is computed."""

from collections.abc import Sequence

import keras

from kdmri_tf.networks.conv_block import ConvBlock

Shape = tuple[int | None, ...]


def symbolic_features(
    image_shape: Shape, cascades: Sequence[ConvBlock], factors: Sequence[int]
) -> list[keras.KerasTensor]:
    """Returns the features of a network, one a cascade, as shapes and dtypes.

    Args:
        image_shape: of its image, `(batch, H, W, C)`; None where a size is unknown.
        cascades: the block of each.
        factors: by how much each feature is smaller than the image, rounded up.

    Example:
        >>> from kdmri_tf import ConvBlock
        >>> features = symbolic_features((None, 45, None, 1), [ConvBlock(3, 8)], [2])
        >>> [feature.shape for feature in features]
        [(None, 23, None, 8)]
    """
    batch, *size, _ = image_shape
    features = []
    for block, factor in zip(cascades, factors, strict=True):
        smaller = [None if length is None else -(-length // factor) for length in size]
        _, shape = block.compute_output_shape((batch, *smaller, block.channels))
        features.append(keras.KerasTensor(shape, block.compute_dtype))
    return features
