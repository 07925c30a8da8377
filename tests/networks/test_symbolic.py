"""The symbolic call of a network tells the shapes and dtypes of the real one."""

import keras
import numpy as np
import pytest

from kdmri_tf import DCCNN, VDSR, Distiller, InputError, WithFeatures

NETWORKS = {
    "D3C2": lambda **more: DCCNN(3, 2, filters=4, **more),
    "unshuffle2": lambda **more: DCCNN(3, 2, filters=4, unshuffle=2, **more),
    "shared": lambda **more: DCCNN(2, 3, filters=4, shared=True, **more),
    "memory4": lambda **more: DCCNN(2, 2, filters=4, memory=4, **more),
    "final3": lambda **more: DCCNN(2, 2, filters=4, unshuffle=2, final_convs=3, **more),
    "complex": lambda **more: DCCNN(2, 2, filters=4, complex_images=True, **more),
    "VDSR3": lambda **more: VDSR(3, filters=4, **more),
}


def symbolic_and_real(network, size):
    """The inputs of two images of 13 x 10, symbolic with these sizes, and real."""
    inputs, values = {}, {}
    for name, spec in network.input_specification.items():
        coils = (2,) if spec.shape.rank == 5 else ()
        channels = () if spec.shape.rank == 3 else (spec.shape[-1],)
        inputs[name] = keras.Input((*coils, *size, *channels), name=name)
        values[name] = np.ones((2, *coils, 13, 10, *channels), np.float32)
    return inputs, values


def same(symbolic, real):
    """Compares them, and returns which sizes are told."""
    assert keras.backend.standardize_dtype(real.dtype) == symbolic.dtype
    assert len(symbolic.shape) == len(real.shape)
    sizes = zip(symbolic.shape, real.shape, strict=True)
    assert all(told in (None, found) for told, found in sizes), (symbolic.shape, real.shape)
    return [told is not None for told in symbolic.shape]


@pytest.mark.parametrize("size", [(13, 10), (None, None)], ids=["known", "unknown"])
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_as_the_real_one(name, policy, size):
    network = NETWORKS[name](dtype=policy)
    inputs, values = symbolic_and_real(network, size)
    image, features = network(inputs, return_features=True)
    real_image, real_features = network(values, return_features=True)
    is_known = size[0] is not None
    assert same(image, real_image) == [False, is_known, is_known, True]
    assert len(features) == len(real_features)
    for feature, real_feature in zip(features, real_features, strict=True):
        assert same(feature, real_feature) == [False, is_known, is_known, True]
    same(network(inputs), network(values))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_functional_model_computes_the_same(name):
    network = NETWORKS[name]()
    inputs, values = symbolic_and_real(network, (13, 10))
    image, features = network(inputs, return_features=True)
    model = keras.Model(inputs, {"image": image, "last": features[-1]})
    found, (image, features) = model(values), network(values, return_features=True)
    np.testing.assert_allclose(found["image"], image, atol=1e-6)
    np.testing.assert_allclose(found["last"], features[-1], atol=1e-6)


def test_a_network_within_a_student_with_named_features():
    """Its convolutions give the features; layers of Keras' own follow."""

    def around(filters):
        network = DCCNN(2, 2, filters=filters)
        inputs, values = symbolic_and_real(network, (13, 10))
        image, features = network(inputs, return_features=True)
        feature = keras.layers.Activation("linear", name="feature")(features[-1])
        change = keras.layers.Conv2D(1, 3, padding="same")(feature)
        return WithFeatures(keras.Model(inputs, image + change), ["feature"]), values

    keras.utils.set_random_seed(0)
    (teacher, values), (student, _) = around(4), around(3)
    distiller = Distiller(teacher, student)
    distiller.compile("adam", "at")
    logs = distiller.fit(values, np.ones((2, 13, 10, 1), np.float32), verbose=0).history
    assert logs["feature_loss"][0] > 0


def test_one_coil_without_sensitivities():
    network = DCCNN(2, 1, filters=4, complex_images=True)
    inputs = {"kspace": keras.Input((13, 10, 2)), "mask": keras.Input((13, 10))}
    values = {"kspace": np.ones((2, 13, 10, 2), "f"), "mask": np.ones((2, 13, 10), "f")}
    same(network(inputs), network(values))


def test_other_names_are_refused():
    with pytest.raises(InputError, match='takes a dictionary with the keys "kspace" and "mask"'):
        DCCNN(2, 1, filters=2)({"kspace": keras.Input((13, 10, 2))})
