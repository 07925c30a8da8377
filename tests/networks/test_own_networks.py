"""Networks of one's own: subclasses with layers beside the blocks, loaded, exported and run."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from needed_packages import needed

from kdmri_tf import DCCNN, VDSR, InputError, LowResolution, Reconstructor, load_network
from kdmri_tf.networks.conv_block import ConvBlock
from kdmri_tf.networks.inference_form import inference_copy
from kdmri_tf.networks.network import Network


@keras.saving.register_keras_serializable(package="tests")
class Sharpened(DCCNN):
    """A cascade with two layers without names, a normalisation and a weight at its end."""

    def build(self, input_shape):
        self.sharpen = [keras.layers.Conv2D(self.channels, 3, padding="same") for _ in range(2)]
        self.normalisation = keras.layers.BatchNormalization()
        for layer in (*self.sharpen, self.normalisation):
            layer.build((None, None, None, self.channels))
        self.strength = self.add_weight(shape=(), name="strength", initializer="random_normal")
        super().build(input_shape)

    def _restore(self, *measured):
        image, features = super()._restore(*measured)
        for layer in self.sharpen:
            image += self.strength * layer(image)
        return self.normalisation(image, training=False), features


@keras.saving.register_keras_serializable(package="tests")
class OneBlock(Network):
    """The least that a network is."""

    degradation = LowResolution

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.blocks = [ConvBlock(2, filters, name="only")]
        self.build(None)

    @property
    def architecture(self):
        return "OneBlock"

    @property
    def hyperparameters(self):
        return {"filters": self.filters}

    def _restore(self, low_resolution):
        image, feature = self.blocks[0](low_resolution)
        return image, [feature]

    def _check_shapes(self, shapes):
        pass


class Late(VDSR):
    """Its own layer has weights from the first call on."""

    def __init__(self, *arguments, **kwargs):
        self.own = []
        super().__init__(*arguments, **kwargs)

    def build(self, input_shape):
        self.own = keras.layers.Conv2D(1, 3, padding="same", name="late")
        super().build(input_shape)

    def _restore(self, low_resolution):
        image, features = super()._restore(low_resolution)
        return self.own(image), features


class Silent(VDSR):
    """Its configuration does not tell how large its own layer is."""

    def __init__(self, *arguments, width=1, **kwargs):
        self.width = width
        super().__init__(*arguments, **kwargs)

    def build(self, input_shape):
        self.own = keras.layers.Dense(self.width, name="own")
        self.own.build((None, 3))
        super().build(input_shape)


def random_weights(network):
    rng = np.random.default_rng(0)
    network.set_weights([rng.uniform(0.1, 0.2, w.shape) for w in network.get_weights()])
    return network


ARCHITECTURES = {
    "plain": {},
    "expanded": {"expansion": 2},
    "shared": {"shared": True, "final_convs": 2},
    "learned": {"noise_weight": "learned"},
}


@pytest.mark.parametrize("arguments", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_the_copy_has_all_weights(arguments, inputs):
    network = random_weights(Sharpened(2, 2, filters=3, **arguments))
    copy = inference_copy(network)
    assert copy.sharpen[0].name != network.sharpen[0].name  # nobody named them
    expected = network(inputs)
    np.testing.assert_allclose(copy(inputs), expected, atol=1e-5 * np.abs(expected).max())


def test_it_is_loaded_and_exported(inputs, tmp_path):
    network = random_weights(Sharpened(2, 2, filters=3))
    path = tmp_path / "network.keras"
    network.save(path)
    assert isinstance(load_network(path), Sharpened)
    expected = network(inputs)
    largest = np.abs(expected).max()
    kspace, mask = inputs["kspace"], inputs["mask"]
    np.testing.assert_allclose(Reconstructor(path)(kspace, mask), expected, atol=1e-5 * largest)
    needed("onnxruntime")
    network.export(tmp_path / "network.onnx", format="onnx", phase_encode_axis=0)
    exported = Reconstructor(tmp_path / "network.onnx")
    np.testing.assert_allclose(exported(kspace, mask), expected, atol=1e-4 * largest)


def test_a_network_of_another_kind_is_loaded(images, tmp_path):
    network = OneBlock(3)
    path = tmp_path / "network.keras"
    network.save(path)
    assert load_network(path).architecture == "OneBlock"
    expected = network({"low_resolution": images})
    np.testing.assert_allclose(Reconstructor(path)(images), expected, atol=1e-5)


def test_weights_without_a_counterpart_are_named(images):
    late = Late(2, filters=2)
    late({"low_resolution": images})
    with pytest.raises(InputError, match=r"weight \S*late/kernel \(3, 3, 1, 1\) of this Late has"):
        inference_copy(late)
    with pytest.raises(InputError, match=r"weight \S*own/kernel \(3, 2\) of this Silent has"):
        inference_copy(Silent(2, filters=2, width=2))


def test_the_copy_of_a_network_of_this_package_is_as_before(images):
    network = random_weights(VDSR(3, filters=3))
    copied = inference_copy(network)({"low_resolution": images})
    np.testing.assert_allclose(copied, network({"low_resolution": images}), rtol=1e-5)
    assert tf.is_tensor(copied)
