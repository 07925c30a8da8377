"""Commands where Keras, matplotlib and the terminal are set up otherwise."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from command_line import command

from kdmri_tf import DCCNN, phantom_volume

SEEN = """
import argparse
from kdmri_tf.cli import launch
def main(arguments):
    import keras
    from matplotlib import rcParams
    config = keras.config
    print(config.backend(), config.floatx(), config.image_data_format(), config.max_epochs())
    print(rcParams["text.usetex"], rcParams["backend"], rcParams["font.size"])
launch.run(main, argparse.ArgumentParser(), keeps_memory=False)
"""


@pytest.fixture
def strange(tmp_path):
    """The environment of a user whose settings fit nothing here."""
    (tmp_path / "keras.json").write_text(
        json.dumps(
            {
                **{"backend": "jax", "image_data_format": "channels_first"},
                **{"floatx": "float64", "epsilon": 1e-3},
            }
        )
    )
    rc = "text.usetex: True\nbackend: not_there\nfont.size: 99\naxes.prop_cycle: nonsense\n"
    (tmp_path / "matplotlibrc").write_bytes(rc.encode() + b"# h\xe4nsel\n")
    return {
        **os.environ,
        **{"KERAS_BACKEND": "torch", "KERAS_HOME": str(tmp_path), "KERAS_MAX_EPOCHS": "1"},
        **{"MATPLOTLIBRC": str(tmp_path / "matplotlibrc"), "MPLBACKEND": "not_there"},
    }


def test_commands_choose_themselves(strange):
    done = subprocess.run(
        [sys.executable, "-c", SEEN], capture_output=True, text=True, check=False, env=strange
    )
    assert done.stdout.splitlines() == [
        "tensorflow float32 channels_last None",
        "False agg 10.0",
    ], done.stderr
    assert done.stderr == ""


@pytest.mark.slow
def test_a_whole_command_in_such_surroundings(strange, tiny_flags, tmp_path):
    network = ("--teacher", "D2C1", "--filters", 2, "--epochs", 2, "--batch-size", 2)
    where = ("--data-dir", tmp_path / "data", "--run-dir", tmp_path / "run")
    words = command("teacher", *tiny_flags, *network, *where)
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=strange)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/teacher-D2C1/reconstructions.png").exists()
    assert "Epoch 2/2" in done.stdout
    log = done.stdout + done.stderr
    assert not set(log) & {"\r", "\b", "\x1b"}


NAME = os.fsdecode(b"h\xe4nsel")  # Latin-1


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_names_that_are_not_utf8(tmp_path, encoding):
    model, volume = tmp_path / f"{NAME}.keras", tmp_path / f"{NAME}.npy"
    DCCNN(2, 1, filters=2).save(tmp_path / "model.keras")
    (tmp_path / "model.keras").rename(model)
    np.save(volume, phantom_volume("knee", (48, 48), 2, seed=1))
    output = tmp_path / f"{NAME}.nii.gz"
    words = command("reconstruct", model, volume, output, "--acc", 4, "--center-lines", 6)
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "h\\udce4nsel.nii.gz" in done.stdout
    assert output.exists()
    assert (tmp_path / f"{NAME}.png").exists()


def test_a_sentence_names_them_as_well(tmp_path):
    words = command("reconstruct", "a.onnx", tmp_path / f"{NAME}.npy", tmp_path / "b.npy")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "h\\udce4nsel.npy" in done.stderr
