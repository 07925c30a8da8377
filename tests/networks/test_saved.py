"""A saved network is loaded as it was, in float32, and is never half written."""

import zipfile

import keras
import numpy as np
import pytest
from traced_memory import traced_memory

from kdmri_tf import DCCNN, VDSR, InputError, load_network
from kdmri_tf.networks.saved import save_network, weights_digest


@pytest.mark.parametrize(
    "network", [lambda: DCCNN(3, 2, filters=4, dtype="mixed_bfloat16"), lambda: VDSR(3, filters=4)]
)
def test_round_trip(network, tmp_path):
    network = network()
    network.trainable = False
    save_network(network, tmp_path / "network.keras")
    loaded = load_network(tmp_path / "network.keras")
    assert type(loaded) is type(network)
    assert loaded.hyperparameters == network.hyperparameters
    assert (loaded.compute_dtype, loaded.trainable) == ("float32", True)
    assert weights_digest(loaded) == weights_digest(network)


def test_a_failing_save_leaves_the_earlier_file(tmp_path, monkeypatch):
    path = tmp_path / "network.keras"
    first = DCCNN(2, 1, filters=2)
    save_network(first, path)

    def fail(self, filepath):
        filepath.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(keras.Model, "save", fail)
    with pytest.raises(OSError, match="No space left"):
        save_network(DCCNN(2, 1, filters=2), path)
    assert list(tmp_path.iterdir()) == [path]
    assert weights_digest(load_network(path)) == weights_digest(first)


def test_files_that_are_no_network(tmp_path):
    path = tmp_path / "model.keras"
    with pytest.raises(InputError, match=r"no model .*model.keras; give a .keras file written by"):
        load_network(path)
    path.write_bytes(b"half")
    with pytest.raises(InputError, match=r"model.keras is not a readable .keras model"):
        load_network(path)
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    with pytest.raises(InputError, match=r"holds a Sequential, not a DCCNN or VDSR"):
        load_network(path)


def test_the_digest_tells_weights_apart():
    network = DCCNN(2, 1, filters=2)
    before = weights_digest(network)
    network.set_weights([np.nextafter(w, 1) for w in network.get_weights()])
    assert weights_digest(network) != before


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_an_archive_that_lies_about_its_size(tmp_path, name):
    """It says 100 bytes and unpacks to 256 MiB: no more than the 100 are unpacked."""
    path = tmp_path / "network.keras"
    DCCNN(2, 1, filters=2).save(path)
    with zipfile.ZipFile(path) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for entry, content in entries.items():
            archive.writestr(entry, bytes(2**28) if entry == name else content)
    content = path.read_bytes()
    path.write_bytes(content.replace((2**28).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    with traced_memory() as peak:
        with pytest.raises(InputError, match=rf"readable \.keras model \({name} in it is damaged"):
            load_network(path)
        assert peak() < 2**25


def test_weights_that_are_nan(tmp_path):
    """Activations may turn them into 0: the network would give images that look like some."""
    network = DCCNN(2, 1, filters=2)
    network.set_weights([np.full_like(weight, np.nan) for weight in network.get_weights()])
    network.save(tmp_path / "network.keras")
    with pytest.raises(InputError, match=r"network\.keras has weights that are NaN or infinity: t"):
        load_network(tmp_path / "network.keras")
