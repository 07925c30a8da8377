"""The inference benchmark's yardstick: how fast TensorFlow multiplies large matrices here.

A process of its own: `python -m kdmri_tf.benchmarks.matrix_product` with one JSON object of
`precision` and `threads`. A product counts as a slice.
"""

from kdmri_tf.benchmarks.contender import take_part

SIDE = 2048
GIGAFLOP = 2 * SIDE**3 / 1e9  # a multiplication and an addition


def prepare(task):
    """As `take_part` has it."""
    import tensorflow as tf

    factors = [tf.cast(tf.random.normal((SIDE, SIDE)), task["precision"]) for _ in range(2)]

    @tf.function
    def product():
        return tf.linalg.matmul(*factors)[0, 0]

    return lambda: product().numpy(), 1


if __name__ == "__main__":
    take_part(prepare)
