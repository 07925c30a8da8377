"""The yardstick of the inference benchmark: how fast TensorFlow multiplies large matrices here.

A process of its own, `python -m kdmri_tf.benchmarks.matrix_product`, whose task has `precision` and
`threads`. A product counts as a slice.
"""

from kdmri_tf.benchmarks.contender import Task, Work, repeating, take_part
from kdmri_tf.benchmarks.tensorflow_threads import limit_threads

SIDE = 2048
GIGAFLOP = 2 * SIDE**3 / 1e9  # a multiplication and an addition


def prepare(task: Task) -> Work:
    """Makes two random matrices, whose product is an execution."""
    import tensorflow as tf

    limit_threads(task["threads"])
    factors = [tf.cast(tf.random.normal((SIDE, SIDE)), task["precision"]) for _ in range(2)]

    @tf.function
    def product() -> tf.Tensor:
        return tf.linalg.matmul(*factors)[0, 0]

    return repeating(lambda: product().numpy(), slices=1)


if __name__ == "__main__":
    take_part(prepare)
