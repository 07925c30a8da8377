"""The inference benchmark's contender for one network file: its `Reconstructor`, or Keras itself.

A process of its own: `python -m kdmri_tf.benchmarks.reconstructor` with one JSON object of `path`,
`by_predict` (whether Keras' `predict` runs it), `slices`, `batch_size`, `threads`, `tolerance`.
"""

from kdmri_tf.benchmarks.contender import check_agreement, load_slices, take_part
from kdmri_tf.inference.reconstructor import Reconstructor
from kdmri_tf.inference.runtimes.open_runtime import runtime_for


def prepare(task):
    """As `take_part` has it; from NumPy arrays to a NumPy array."""
    inputs, expected = load_slices(task["slices"], task["batch_size"])
    if task["by_predict"]:
        from kdmri_tf.networks.saved import load_network

        network = load_network(task["path"])

        def reconstruct():
            return network.predict(inputs, batch_size=len(expected), verbose=0)
    else:
        # TensorFlow goes by the cores that the process may use.
        is_tensorflow = runtime_for(task["path"]).is_tensorflow
        network = Reconstructor(task["path"], None if is_tensorflow else task["threads"])

        def reconstruct():
            return network(*inputs.values())

    check_agreement(reconstruct(), expected, task["tolerance"])
    return reconstruct, len(expected)


if __name__ == "__main__":
    take_part(prepare)
