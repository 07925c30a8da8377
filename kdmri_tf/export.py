"""SavedModel export with one contract: the network's named float32 inputs in, `image` out."""

import json
import shutil
from pathlib import Path

import keras
import tensorflow as tf

from kdmri_tf import parallel
from kdmri_tf.errors import InputError
from kdmri_tf.phantoms import phantom_volume

# By compute dtype. A SavedModel fuses convolution, bias and ReLU, which rounds bfloat16 otherwise.
TOLERANCES = {"float32": 1e-5, "bfloat16": 1e-2}


def export_saved_model(model, path, metadata=None):
    """Writes a SavedModel that runs with TensorFlow alone, without keras or this package.

    `tf.saved_model.load(path).signatures["serving_default"](kspace=..., mask=...)["image"]` equals
    `model({"kspace": ..., "mask": ...})` of a `DCCNN`, and so with `low_resolution` of a `VDSR`;
    batch, height and width are free. Shapes, units and FFT convention are those of the model.

    Args:
        model: a `DCCNN` or `VDSR`.
        path: a folder; made if missing, overwritten if it holds a SavedModel.
        metadata: facts that must travel with the network (data source, acceleration, ...), kept as
            JSON in `assets.extra/metadata.json`.

    Raises:
        InputError: the path is a file, or a folder with other things in it.
    """
    partial = _write(model, path, metadata)
    _move(partial, path)


def export_checked(model, path, metadata=None):
    """As `export_saved_model`, and refuses an export that does not compute what the model does.

    Both restore a synthetic brain of an odd size that is degraded as the model expects.

    Returns:
        The largest absolute difference between the images of model and SavedModel.

    Raises:
        InputError: as `export_saved_model`; or the images differ by more than 1e-5 (1e-2 for a
            network that computes in bfloat16).
    """
    partial = _write(model, path, metadata)
    difference = _difference(model, partial)
    tolerance = TOLERANCES[model.compute_dtype]
    if not difference <= tolerance:
        shutil.rmtree(partial)
        raise InputError(
            f"The SavedModel for {path} differs from the model by {difference:.1e}, more than "
            f"{tolerance:.0e}; it was not kept."
        )
    _move(partial, path)
    return difference


def _write(model, path, metadata):
    """Writes the SavedModel beside its place, so that a kill leaves nothing half done there."""
    path = Path(path)
    if path.is_file() or (path.is_dir() and any(path.iterdir()) and not _is_saved_model(path)):
        raise InputError(f"{path} exists and is no SavedModel; choose another path to export to.")
    partial = path.with_name(f"{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)

    def serve(inputs):
        return {"image": model(inputs, training=False)}

    archive = keras.export.ExportArchive()
    archive.track(model)
    with parallel.whole_batches():
        archive.add_endpoint("serve", serve, input_signature=[model.input_specification])
    archive.write_out(str(partial), verbose=False)
    extra = partial / "assets.extra"
    extra.mkdir()
    (extra / "metadata.json").write_text(json.dumps(metadata or {}, indent=2) + "\n")
    return partial


def _move(partial, path):
    shutil.rmtree(path, ignore_errors=True)
    partial.replace(path)


def _difference(model, path):
    image = phantom_volume("brain", (95, 80), num_slices=2, seed=0)[..., tf.newaxis]
    inputs = model.degradation.example((95, 80)).apply(image)
    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    # On recent GPUs TensorFloat-32 would round both, each in its own way.
    was_enabled = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        exported = signature(**inputs)["image"]
        return float(tf.reduce_max(tf.abs(exported - model(inputs, training=False))))
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(was_enabled)


def _is_saved_model(path):
    return (path / "saved_model.pb").is_file()
