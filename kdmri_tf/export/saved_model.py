"""A network as a SavedModel: for TensorFlow, TensorFlow Serving and their clients."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from kdmri_tf.export.layout import serving_options
from kdmri_tf.inference.runtimes.plain_path import plain_path
from kdmri_tf.inference.runtimes.runtime import METADATA_FILE
from kdmri_tf.inference.runtimes.saved_model import EXTRA_ASSETS
from kdmri_tf.networks import inference_form
from kdmri_tf.networks.network import Network


def write_saved_model(network: Network, path: Path, metadata: Mapping[str, Any]) -> None:
    """Writes a SavedModel that runs with TensorFlow alone; batch, height and width are free.

    `tf.saved_model.load(path).signatures["serving_default"](kspace=..., mask=...)["image"]`. The
    metadata is in `assets.extra/metadata.json`.

    Args:
        network: from `inference_form.inference_copy`.
        path: folder, not there yet.
        metadata: facts as JSON values.
    """
    module = tf.Module()
    module.weights = [variable.value for variable in network.variables]  # not keras.Variable
    with plain_path(path.parent) as folder:
        serve = inference_form.serve(network, **serving_options(metadata))
        tf.saved_model.save(module, str(folder / "new"), signatures=serve)
    (path.parent / "new").rename(path)
    extra = path / EXTRA_ASSETS
    extra.mkdir()
    (extra / METADATA_FILE).write_text(json.dumps(metadata, indent=2) + "\n")
