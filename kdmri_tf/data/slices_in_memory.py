"""What is kept of a split in memory after the first pass: as much as fits of what passes share."""

import tensorflow as tf

from kdmri_tf.physics.degradation import Degradation

# For images with their k-space (12 bytes per pixel) or low resolution (8 bytes) if they fit, else
# for images alone (4 bytes); if these do not fit either, every pass reads the slices from disk.
MEMORY_BUDGET_BYTES = 4 * 2**30


def keep_in_memory(
    slices: tf.data.Dataset, degradation: Degradation, num_slices: int, is_fixed: bool
) -> tf.data.Dataset:
    """Keeps the slices of a split in memory from the first full pass on, as far as they fit.

    Args:
        slices: data set of dictionaries, each a slice as `degradation.pair` takes them in batches.
        degradation: gives what is kept beside the slices.
        num_slices: of the split.
        is_fixed: whether every pass degrades the same slices in the same way.

    Returns:
        Data set of dictionaries with the slice and, where it is kept, what was measured of it.
    """

    def measure(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        alone = {name: value[tf.newaxis] for name, value in example.items()}
        measured = degradation.with_measurement(**alone)
        return {name: value[0] for name, value in measured.items()}

    if is_fixed:
        measured = slices.map(measure, num_parallel_calls=tf.data.AUTOTUNE)
        if _num_bytes(measured, num_slices) <= MEMORY_BUDGET_BYTES:
            return measured.cache()
    return slices.cache() if _num_bytes(slices, num_slices) <= MEMORY_BUDGET_BYTES else slices


def _num_bytes(slices: tf.data.Dataset, num_slices: int) -> int:
    """Returns the size of all their images, k-space, and maps; seeds do not count."""
    specs = slices.element_spec.values()
    return num_slices * sum(4 * spec.shape.num_elements() for spec in specs if spec.shape.rank > 1)
