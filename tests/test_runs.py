"""A stage's folder is reused with equal settings and refused with others."""

import json

import keras
import numpy as np
import pytest

from kdmri_tf import DCCNN, InputError
from kdmri_tf.runs import describe, load_network, open_stage, weights_digest


def test_config_is_written_and_accepted_again(tmp_path):
    config = {"seed": 1, "image_size": (3, 4)}
    stage = open_stage(tmp_path, "teacher-D5C5", config)
    written = json.loads((stage.folder / "config.json").read_text())
    assert written["config"] == {"seed": 1, "image_size": [3, 4]}
    assert {"command", "python", "tensorflow", "keras"} <= set(written["environment"])
    assert open_stage(tmp_path, "teacher-D5C5", config).config == stage.config


def test_other_settings_are_refused_by_name(tmp_path):
    open_stage(tmp_path, "teacher-D5C5", {"seed": 1, "epochs": 2, "alpha": 3})
    with pytest.raises(
        InputError, match=r"epochs \(2 there, 5 now\); seed \(1 there, 7 now\)\. Gi"
    ):
        open_stage(tmp_path, "teacher-D5C5", {"seed": 7, "epochs": 5, "alpha": 3})


def test_finished_network_is_float32(tmp_path, inputs):
    stage = open_stage(tmp_path, "student-D2C1", {"dataset": "brain"})
    assert not stage.is_finished
    network = DCCNN(2, 1, dtype="mixed_bfloat16")
    stage.finish(network)
    assert stage.is_finished
    loaded = load_network(stage.model_path)
    assert loaded.dtype_policy.name == "float32"
    assert weights_digest(loaded) == weights_digest(network)
    assert list(stage.folder.glob("partial*")) == []
    facts = describe(stage.model_path, loaded)
    assert facts["dataset"] == "brain"
    assert facts["architecture"] == "D2C1"
    assert "not for clinical use" in facts["intended_use"]


def test_teacher_of_a_distiller_is_saved_trainable(tmp_path):
    stage = open_stage(tmp_path, "teacher-D2C1", {})
    network = DCCNN(2, 1)
    network.trainable = False
    stage.finish(network)
    assert load_network(stage.model_path).trainable


def test_foreign_config_beside_a_model_is_ignored(tmp_path):
    for text in ('{"model_type": "bert"}', "[1, 2", '{"config": 3}'):
        (tmp_path / "config.json").write_text(text)
        assert describe(tmp_path / "model.keras", DCCNN(2, 1))["architecture"] == "D2C1"


def test_digest_tells_weights_apart():
    keras.utils.set_random_seed(0)
    first, second = DCCNN(2, 1), DCCNN(2, 1)
    assert weights_digest(first) != weights_digest(second)
    second.set_weights(first.get_weights())
    assert weights_digest(first) == weights_digest(second)


def test_load_network_errors(tmp_path):
    with pytest.raises(InputError, match=r"There is no model .*none.keras"):
        load_network(tmp_path / "none.keras")
    (tmp_path / "broken.keras").write_bytes(b"PK broken")
    with pytest.raises(InputError, match=r"broken.keras is not a readable .keras model"):
        load_network(tmp_path / "broken.keras")
    other = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)])
    other(np.zeros((1, 4)))
    other.save(tmp_path / "other.keras")
    with pytest.raises(InputError, match=r"other.keras holds a Sequential, not a DCCNN"):
        load_network(tmp_path / "other.keras")
