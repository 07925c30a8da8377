"""Named layers of functional models as features: trained, saved and loaded."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

import kdmri_tf
from kdmri_tf import DCCNN, Distiller, InputError, WithFeatures, load_network

IMAGE = np.random.default_rng(0).uniform(size=(4, 8, 8, 1)).astype(np.float32)


def network(filters, dropout=0.0):
    image = keras.Input((8, 8, 1))
    middle = keras.layers.Conv2D(filters, 3, padding="same", name="middle")(image)
    dropped = keras.layers.Dropout(dropout, name="dropped")(middle)
    return keras.Model(image, keras.layers.Conv2D(1, 3, padding="same", name="last")(dropped))


@pytest.fixture
def distiller():
    keras.utils.set_random_seed(0)
    distiller = Distiller(*(WithFeatures(network(count), ["middle"]) for count in (4, 2)))
    distiller.compile(keras.optimizers.Adam(0.01), "at")
    return distiller


def test_the_example_of_the_documentation():
    page = (Path(__file__).parents[2] / "docs/methods.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    keras.utils.set_random_seed(0)
    names = {}
    exec(code, names)
    losses = names["distiller"].fit(IMAGE, IMAGE, epochs=10, verbose=0).history["feature_loss"]
    assert losses[-1] < losses[0]


def test_features_are_those_of_the_layers():
    inner = network(3, dropout=0.5)
    model = WithFeatures(inner, ["middle", "last"])
    image, (middle, last) = model(IMAGE, return_features=True)
    np.testing.assert_allclose(image, inner(IMAGE), atol=1e-6)
    np.testing.assert_allclose(image, model(IMAGE), atol=1e-6)
    np.testing.assert_allclose(middle, inner.get_layer("middle")(IMAGE), atol=1e-6)
    np.testing.assert_array_equal(last, image)
    assert (model(IMAGE, training=True) != image).numpy().any()
    assert [id(weight) for weight in model.weights] == [id(weight) for weight in inner.weights]


@pytest.mark.parametrize("way", ["save", "checkpoint"])
def test_a_distiller_is_saved_and_trains_on(way, distiller, tmp_path):
    path = tmp_path / "distiller.keras"
    kept = [keras.callbacks.ModelCheckpoint(path)] if way == "checkpoint" else []
    distiller.fit(IMAGE, IMAGE, epochs=2, verbose=0, callbacks=kept)
    if way == "save":
        distiller.save(path)
    loaded = kdmri_tf.load_model(path)
    assert loaded.student.names == ["middle"]
    assert not loaded.teacher.trainable
    for weight, expected in zip(loaded.get_weights(), distiller.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
    pair = [model.student(IMAGE, return_features=True) for model in (loaded, distiller)]
    np.testing.assert_allclose(pair[0][1][0], pair[1][1][0], atol=1e-6)
    for model in (loaded, distiller):
        model.reset_metrics()
    logs = [model.train_on_batch(IMAGE, IMAGE, return_dict=True) for model in (loaded, distiller)]
    assert logs[0] == pytest.approx(logs[1], rel=1e-5)


def test_alone_and_what_it_wraps_are_saved(tmp_path):
    model = WithFeatures(network(3), ["middle"], name="named")
    model.save(tmp_path / "model.keras")
    loaded = kdmri_tf.load_model(tmp_path / "model.keras")
    assert loaded.name == "named"
    np.testing.assert_allclose(loaded(IMAGE), model(IMAGE), atol=1e-6)
    model.network.save(tmp_path / "network.keras")
    alone = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(alone(IMAGE), model(IMAGE), atol=1e-6)
    with pytest.raises(InputError, match="holds a WithFeatures, not a DCCNN or VDSR"):
        load_network(tmp_path / "model.keras")


def test_sequential_models_and_named_inputs():
    layers = [keras.layers.Conv2D(2, 3, name="middle"), keras.layers.Conv2D(1, 3)]
    sequential = keras.Sequential([keras.Input((8, 8, 1)), *layers])
    _, (feature,) = WithFeatures(sequential, ["middle"])(IMAGE, return_features=True)
    assert feature.shape == (4, 6, 6, 2)
    image = keras.Input((8, 8, 1), name="image")
    named = keras.Model({"image": image}, keras.layers.Conv2D(1, 3, name="only")(image))
    _, (feature,) = WithFeatures(named, ["only"])({"image": IMAGE}, return_features=True)
    assert feature.shape == (4, 6, 6, 1)


def test_what_is_refused():
    for model in (DCCNN(2, 1, filters=2), keras.Sequential([keras.layers.Conv2D(1, 3)]), None):
        with pytest.raises(InputError, match="takes a functional model, or a sequential one that"):
            WithFeatures(model, ["middle"])
    inner = network(2)
    with pytest.raises(InputError, match=r"has no layer 'first'; it has .*middle, dropped, last"):
        WithFeatures(inner, ["middle", "first"])
    for names in ([], "middle"):
        with pytest.raises(InputError, match=r'names must be a list of layers, such as \["middle"'):
            WithFeatures(inner, names)
    two = keras.Model(inner.input, [inner.output, inner.get_layer("middle").output])
    with pytest.raises(InputError, match=r"takes a model of one output, the image; .* has 2"):
        WithFeatures(two, ["middle"])
