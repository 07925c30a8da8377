"""The SavedModel computes what the network computes, in a process that knows TensorFlow alone."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import DCCNN, InputError, export, export_saved_model
from kdmri_tf.export import export_checked

RUN_ALONE = """
import sys
import numpy as np
import tensorflow as tf

model, inputs, output = sys.argv[1:]
signature = tf.saved_model.load(model).signatures["serving_default"]
arrays = np.load(inputs)
image = signature(kspace=tf.constant(arrays["kspace"]), mask=tf.constant(arrays["mask"]))["image"]
np.save(output, image)
assert "kdmri_tf" not in sys.modules
"""


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    return DCCNN(3, 2, filters=8)


def test_runs_in_a_process_that_imports_tensorflow_alone(tmp_path, model, inputs):
    model.export(tmp_path / "model")
    np.savez(tmp_path / "inputs.npz", **inputs)
    paths = (tmp_path / name for name in ("model", "inputs.npz", "image.npy"))
    subprocess.run(
        [sys.executable, "-c", RUN_ALONE, *paths], check=True, capture_output=True, cwd=tmp_path
    )
    np.testing.assert_allclose(np.load(tmp_path / "image.npy"), model(inputs), atol=1e-5)


def test_signature_is_named_float32_and_free_in_size(tmp_path, model):
    export_saved_model(model, tmp_path / "model")
    signature = tf.saved_model.load(tmp_path / "model").signatures["serving_default"]
    _, inputs = signature.structured_input_signature
    assert {name: (spec.dtype, spec.shape.as_list()) for name, spec in inputs.items()} == {
        "kspace": (tf.float32, [None, None, None, 2]),
        "mask": (tf.float32, [None, None, None]),
    }
    assert list(signature.structured_outputs) == ["image"]
    assert signature.structured_outputs["image"].dtype == tf.float32


def test_mixed_precision_network_keeps_the_signature(tmp_path, inputs):
    model = DCCNN(3, 2, filters=8, dtype="mixed_bfloat16")
    assert export_checked(model, tmp_path / "model") <= 1e-2
    signature = tf.saved_model.load(tmp_path / "model").signatures["serving_default"]
    image = signature(**{name: tf.constant(value) for name, value in inputs.items()})["image"]
    assert image.dtype == tf.float32


def test_metadata_travels_along(tmp_path, model):
    export_saved_model(model, tmp_path / "model", {"source": "synthetic"})
    extra = tmp_path / "model" / "assets.extra" / "metadata.json"
    assert json.loads(extra.read_text()) == {"source": "synthetic"}


def test_an_export_that_differs_is_refused(tmp_path, model, monkeypatch):
    monkeypatch.setitem(export.TOLERANCES, "float32", -1.0)
    with pytest.raises(InputError, match=r"differs from the model by .* it was not kept"):
        export_checked(model, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_export_is_overwritten_and_nothing_else(tmp_path, model):
    export_saved_model(model, tmp_path / "model")
    export_saved_model(model, tmp_path / "model")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="notes exists and is no SavedModel; choose another path"):
        export_saved_model(model, tmp_path / "notes")


def test_a_killed_export_does_not_stand_in_the_way(tmp_path, model):
    (tmp_path / "model.partial" / "variables").mkdir(parents=True)
    export_saved_model(model, tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_other_formats_are_left_to_keras(tmp_path, model):
    with pytest.raises(ValueError, match="format"):
        model.export(tmp_path / "model", format="unheard_of")
