"""Fixtures of the tests of builders and their readers."""

import contextlib

import numpy as np
import pytest

from tfds_builders.beam import parts, preparation, shards


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def manual_dir(tmp_path):
    """An empty folder for raw files."""
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw"


@pytest.fixture
def data_dir(tmp_path):
    """A folder for prepared data sets."""
    return tmp_path / "prepared"


class PipelineHere:
    """Does what Beam's workers do when it is waited for, the last volume first."""

    def __init__(self, folder, num_volumes):
        self.folder = str(folder)
        self.volumes = list(range(num_volumes))

    def wait_a_moment(self):
        if self.volumes:
            parts.write_part(self.folder, self.volumes.pop())
            return True
        for shard in shards.plan_shards(self.folder, []):
            shards.write_shard(self.folder, shard)
        return False


@pytest.fixture
def in_this_process(monkeypatch):
    """Has workers prepare data sets here, without Apache Beam."""

    @contextlib.contextmanager
    def pipeline(folder, num_volumes, options):
        yield PipelineHere(folder, num_volumes)

    monkeypatch.setattr(preparation, "pipeline_process", pipeline)
    monkeypatch.setattr("tfds_builders.beam.options.check_beam", lambda: None)
