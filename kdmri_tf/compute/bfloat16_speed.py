"""Whether this machine computes in bfloat16 faster than in float32, found out by trying."""

import functools
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

# Below this, mixed precision is not worth its rounding.
WORTHWHILE_SPEEDUP = 1.1


@functools.cache
def bfloat16_speedup(size: int = 96, channels: int = 32, runs: int = 5) -> float:
    """Measures the time of a training convolution in float32 over that in bfloat16.

    A 3x3 convolution of 4 slices, forward and backward; the fastest of several runs of each, taken
    in turn. Measured once a process.

    Args:
        size: side of the square slices, in pixels.
        channels: of input and output.
        runs: how many of each.

    Returns:
        The speed-up; above 1, bfloat16 is faster.
    """
    steps = [_convolution(dtype, size, channels) for dtype in (tf.float32, tf.bfloat16)]
    seconds = []
    for _ in range(runs + 1):  # the first run compiles
        seconds.append([_seconds(step) for step in steps])
    float32, bfloat16 = np.min(seconds[1:], axis=0)
    return float(float32 / bfloat16)


def report_slow_bfloat16() -> None:
    """Prints a warning if mixed_bfloat16 gains nothing here; the training goes on as asked."""
    speedup = bfloat16_speedup()
    if speedup < WORTHWHILE_SPEEDUP:
        print(
            f"mixed_bfloat16 gains nothing on this machine: a convolution runs at {speedup:.2f} "
            "times its float32 speed. Use --precision float32, which is as fast and more accurate."
        )


def _convolution(dtype: tf.DType, size: int, channels: int) -> Callable[[], list[tf.Tensor]]:
    """Returns a function that convolves forward and backward, compiled by its first call."""
    image = tf.cast(tf.random.stateless_normal((4, size, size, channels), (0, 0)), dtype)
    kernel = tf.cast(tf.random.stateless_normal((3, 3, channels, channels), (0, 1)), dtype)

    @tf.function
    def step() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch((image, kernel))
            output = tf.nn.relu(tf.nn.conv2d(image, kernel, 1, "SAME"))
        return [tf.reduce_sum(g) for g in tape.gradient(output, (image, kernel))]

    return step


def _seconds(step: Callable[[], list[tf.Tensor]]) -> float:
    """Measures one call."""
    start = time.perf_counter()
    for value in step():
        value.numpy()  # waits for a GPU as well
    return time.perf_counter() - start
