"""How many workers prepare a data set, and what else is told to Apache Beam."""

import sys

import pytest
import tensorflow_datasets as tfds

from kdmri_tf.errors import InputError
from tfds_builders.beam.options import beam_flags, options_of_config
from tfds_builders.prepare import prepare

tfds.disable_progress_bar()

SIZE = (32, 32)


@pytest.mark.parametrize("number", [0, -1, 257, 1.5, "2"])
def test_numbers_of_workers(tmp_path, number):
    message = f"The number of workers must be 1 to 256, not {number!r}"
    with pytest.raises(InputError, match=message):
        prepare("knee", "synthetic", None, tmp_path, SIZE, num_workers=number)


def test_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    with pytest.raises(InputError, match=r'pip install "kdmri_tf\[apache-beam\]"'):
        prepare("knee", "synthetic", None, tmp_path, SIZE, num_workers=2)
    builder = prepare("knee", "synthetic", None, tmp_path, SIZE)
    again = prepare("knee", "synthetic", None, tmp_path, SIZE, num_workers=2)
    assert again.data_dir == builder.data_dir  # nothing was left to do


def test_both():
    with pytest.raises(InputError, match="leave out one of them"):
        beam_flags(2, "runner=FlinkRunner")


def test_options_of_a_runner():
    assert beam_flags(None, "runner=FlinkRunner, flink_master=localhost:8081") == [
        "--runner=FlinkRunner",
        "--flink_master=localhost:8081",
    ]
    for text in ("", "--runner=FlinkRunner", "a=b,,c=d"):
        with pytest.raises(InputError, match="are name=value with commas between"):
            beam_flags(None, text)


def test_of_tfds():
    config = tfds.download.DownloadConfig
    assert options_of_config(config()) is None
    assert options_of_config(config(beam_options=["--a=b"], max_examples_per_split=1)) is None
    with pytest.raises(InputError, match="Name the runner of Apache Beam among its options"):
        options_of_config(config(beam_runner="FlinkRunner"))
