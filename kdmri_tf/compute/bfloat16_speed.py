"""Whether this machine multiplies bfloat16 faster than float32: found out by trying."""

import functools
import time

import numpy as np
import tensorflow as tf

# Below this, mixed precision is not worth its rounding.
WORTHWHILE_SPEEDUP = 1.1


@functools.cache
def bfloat16_speedup(size=96, channels=32, runs=5):
    """Time of a training convolution in float32 over that in bfloat16, on this machine.

    The fastest of some runs each, in turn, of a 3x3 convolution forward and backward. Measured once
    a process.
    """
    steps = [_convolution(dtype, size, channels) for dtype in (tf.float32, tf.bfloat16)]
    seconds = []
    for _ in range(runs + 1):  # the first run compiles
        seconds.append([_seconds(step) for step in steps])
    float32, bfloat16 = np.min(seconds[1:], axis=0)
    return float(float32 / bfloat16)


def report_slow_bfloat16():
    """Says so where mixed_bfloat16 gains nothing; the training goes on as asked."""
    speedup = bfloat16_speedup()
    if speedup < WORTHWHILE_SPEEDUP:
        print(
            f"mixed_bfloat16 gains nothing on this machine: a convolution runs at {speedup:.2f} "
            "times its float32 speed. --precision float32 is at least as fast, and more exact."
        )


def _convolution(dtype, size, channels):
    image = tf.cast(tf.random.stateless_normal((4, size, size, channels), (0, 0)), dtype)
    kernel = tf.cast(tf.random.stateless_normal((3, 3, channels, channels), (0, 1)), dtype)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch((image, kernel))
            output = tf.nn.relu(tf.nn.conv2d(image, kernel, 1, "SAME"))
        return [tf.reduce_sum(g) for g in tape.gradient(output, (image, kernel))]

    return step


def _seconds(step):
    start = time.perf_counter()
    for value in step():
        value.numpy()  # waits for a GPU as well
    return time.perf_counter() - start
