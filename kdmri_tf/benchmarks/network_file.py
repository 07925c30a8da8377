"""The inference benchmark's contender for one network file: its `Reconstructor`, or Keras itself.

A process of its own, `python -m kdmri_tf.benchmarks.network_file`, whose task has `path`,
`by_predict` (whether Keras' `predict` runs it), `slices`, `batch_size`, `threads`, `tolerance`.
"""

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.benchmarks.contender import (
    Task,
    Work,
    check_agreement,
    load_slices,
    repeating,
    take_part,
)
from kdmri_tf.benchmarks.tensorflow_threads import limit_threads
from kdmri_tf.compute.allocator import keep_memory
from kdmri_tf.inference.reconstructor import Reconstructor
from kdmri_tf.inference.runtimes.open_runtime import runtime_for


def prepare(task: Task) -> Work:
    """Opens the network; an execution goes from NumPy arrays to a NumPy array."""
    inputs, expected = load_slices(task["slices"], task["batch_size"])
    is_tensorflow = task["by_predict"] or runtime_for(task["path"]).is_tensorflow
    if is_tensorflow:
        limit_threads(task["threads"])
    if task["by_predict"]:
        from kdmri_tf.networks.saved import load_network

        network = load_network(task["path"])

        def reconstruct() -> NDArray[np.float32]:
            return network.predict(inputs, batch_size=len(expected), verbose=0)
    else:
        keep_memory()  # as kdmri reconstruct does
        reconstructor = Reconstructor(task["path"], None if is_tensorflow else task["threads"])

        def reconstruct() -> NDArray[np.float32]:
            return reconstructor(*inputs.values())

    check_agreement(reconstruct(), expected, task["tolerance"])
    return repeating(reconstruct, len(expected))


if __name__ == "__main__":
    take_part(prepare)
