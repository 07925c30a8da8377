"""What is kept of a split in memory after the first pass: as much as fits of what passes share."""

import tensorflow as tf

from kdmri_tf.physics.degradation import Degradation

# For images with their k-space (12 bytes per pixel) or low resolution (8 bytes) if they fit, else
# for images alone (4 bytes); if these do not fit either, every pass reads the slices from disk.
MEMORY_BUDGET_BYTES = 4 * 2**30


def keep_in_memory(
    examples: tf.data.Dataset, degradation: Degradation, image_bytes: int, is_fixed: bool
) -> tf.data.Dataset:
    """Keeps the slices of a split in memory from the first full pass on, as far as they fit.

    Args:
        examples: data set of dictionaries with an "image", float32 `(H, W, 1)`.
        degradation: gives what is kept beside the images.
        image_bytes: size of all images of the split.
        is_fixed: whether every pass degrades the same images in the same way.

    Returns:
        Data set of dictionaries with "image" and, where it is kept, what was measured of it.
    """
    images = examples.map(
        lambda example: {"image": example["image"]}, num_parallel_calls=tf.data.AUTOTUNE
    )
    name = degradation.measurement

    def measure(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        inputs = degradation.apply(example["image"][tf.newaxis])
        return {**example, name: inputs[name][0]}

    values = 1 + degradation.input_specification[name].shape[-1]
    if is_fixed and values * image_bytes <= MEMORY_BUDGET_BYTES:
        return images.map(measure, num_parallel_calls=tf.data.AUTOTUNE).cache()
    return images.cache() if image_bytes <= MEMORY_BUDGET_BYTES else images
