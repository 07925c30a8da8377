"""Slices side by side: the cores share out the slices of a batch, not each operation.

By default TensorFlow spreads every operation over all cores. With slices of this size, the cores
then wait for each other after each of hundreds of small operations. Instead, each part of the batch
can go through the whole network by itself, which changes results by rounding only. RESULTS.md has
the measurement.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from kdmri_tf.compute.cores import num_cores
from kdmri_tf.compute.variable_copies import variable_copies
from kdmri_tf.errors import InputError

Structure = Any  # of tensors: one of them, or a list or dictionary

_parts = 1


def divide_cores(batch_size: int) -> int:
    """Divides the cores of this process among the slices of a batch; does nothing with a GPU.

    Sets TensorFlow's threads, so call it before TensorFlow computes anything. From then on, every
    network works by parts in graphs (`fit`, `evaluate`, `tf.function`), but not in exported ones.
    With as many parts as cores, an operation runs on the one thread of its part; with fewer parts
    all of them share threads for all cores.

    Args:
        batch_size: slices a step.

    Returns:
        The number of parts.

    Raises:
        InputError: TensorFlow has already computed something.

    Example:
        >>> from kdmri_tf import divide_cores
        >>> divide_cores(batch_size=1)  # a single slice is not divided
        1
    """
    global _parts
    cores = num_cores()
    parts = 1 if tf.config.list_physical_devices("GPU") else min(cores, batch_size)
    if parts == _parts == 1:
        return 1
    # 0 lets TensorFlow choose. The threads of operations are one pool for all parts, except that
    # operations stay on the threads of their parts if the pool has a single one.
    each, side_by_side = (0, 0) if parts == 1 else (1 if parts == cores else cores, parts)
    try:
        tf.config.threading.set_intra_op_parallelism_threads(each)
        tf.config.threading.set_inter_op_parallelism_threads(side_by_side)
    except RuntimeError as error:
        raise InputError(
            "divide_cores must be called before TensorFlow computes anything, but it has already."
        ) from error
    _parts = parts
    return parts


def threads_per_operation() -> int:
    """Returns how many threads one operation may use."""
    return tf.config.threading.get_intra_op_parallelism_threads() or num_cores()


def device_kind() -> str:
    """Returns "GPU" or "CPU": what TensorFlow computes on here."""
    return "GPU" if tf.config.list_physical_devices("GPU") else "CPU"


def describe_device() -> str:
    """Says what TensorFlow computes on here, such as "2 CPU cores"."""
    for gpu in tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_device_details(gpu).get("device_name", "one GPU")
    cores, threads = num_cores(), threads_per_operation()
    return f"{cores} CPU cores, {threads} at a time" if threads < cores else f"{cores} CPU cores"


@contextlib.contextmanager
def whole_batches() -> Iterator[None]:
    """Keeps graphs that are traced in this context whole: for export to other machines."""
    global _parts
    parts, _parts = _parts, 1
    try:
        yield
    finally:
        _parts = parts


def by_parts(
    function: Callable[..., Structure],
    *tensors: tf.Tensor,
    variables: Sequence[keras.Variable] = (),
) -> Structure:
    """Computes `function(*tensors)` on parts of the batch, independently of each other.

    Args:
        function: takes tensors and returns a tensor or a structure of tensors, all with the batch
            as first axis, and treats the samples of a batch independently.
        tensors: all of the same batch size.
        variables: what the function uses of variables and is to be trained. Their gradients are
            added in the order of the parts, see `fan_out`.

    Returns:
        What the function returns for the whole batch, to rounding.
    """
    if _parts == 1 or tf.executing_eagerly():
        return function(*tensors)
    size = tensors[0].shape[0]
    if size is not None:
        return _divided(function, tensors, size, min(_parts, size), variables)
    size = tf.shape(tensors[0])[0]
    # TensorFlow's fused convolution fails on an empty part: the last sample fills it.
    missing = tf.maximum(_parts - size, 0)
    filled = [tf.concat([t, tf.repeat(t[-1:], missing, axis=0)], axis=0) for t in tensors]
    outputs = _divided(function, filled, size + missing, _parts, variables)
    return tf.nest.map_structure(lambda output: output[:size], outputs)


def _divided(
    function: Callable[..., Structure],
    tensors: Sequence[tf.Tensor],
    size: int | tf.Tensor,
    parts: int,
    variables: Sequence[keras.Variable],
) -> Structure:
    """Returns what the function returns for each part, put together."""
    bounds = [size * part // parts for part in range(parts + 1)]
    outputs = []
    scopes = variable_copies(variables, parts)
    for scope, (start, end) in zip(scopes, itertools.pairwise(bounds), strict=True):
        with scope:
            outputs.append(function(*(tensor[start:end] for tensor in tensors)))
    return tf.nest.map_structure(lambda *values: tf.concat(values, axis=0), *outputs)
