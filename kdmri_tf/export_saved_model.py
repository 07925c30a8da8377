"""A network as a SavedModel: for TensorFlow, TensorFlow Serving and their clients."""

import json

import tensorflow as tf

from kdmri_tf import serving
from kdmri_tf.runtimes import METADATA_FILE


def write_saved_model(network, path, metadata):
    """Writes a SavedModel that runs with TensorFlow alone; batch, height and width are free.

    `tf.saved_model.load(path).signatures["serving_default"](kspace=..., mask=...)["image"]`. The
    metadata is in `assets.extra/metadata.json`.

    Args:
        network: from `serving.inference_copy`.
        path: folder, not there yet.
        metadata: dictionary.
    """
    module = tf.Module()
    module.weights = [variable.value for variable in network.variables]  # not keras.Variable
    tf.saved_model.save(module, str(path), signatures=serving.serve(network))
    extra = path / "assets.extra"
    extra.mkdir()
    (extra / METADATA_FILE).write_text(json.dumps(metadata, indent=2) + "\n")
