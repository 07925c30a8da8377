"""Prepared data that are damaged: a sentence that names the file and the way out."""

import json
import os

import numpy as np
import pytest
import tensorflow_datasets as tfds
from needed_packages import needed
from raw_data import SIZE, assert_same, expected_slices, read_back, write_folder

from kdmri_tf.errors import InputError
from tfds_builders import whole
from tfds_builders.knee import Builder
from tfds_builders.prepare import prepare
from tfds_builders.slice_builder import SliceBuilder

tfds.disable_progress_bar()

WAY_OUT = r"Use --rebuild-data \(in code rebuild=True\) to prepare them again\.$"


@pytest.fixture
def knees():
    rng = np.random.default_rng(0)
    return {name: rng.random((2, 16, 12)) + 0.1 for name in ("train_a", "validation_c")}


@pytest.fixture(params=["tfrecord", "array_record"])
def arguments(request, tmp_path, knees):
    if request.param == "array_record":
        needed("array_record")
    write_folder(tmp_path / "raw", **knees)
    return {
        "dataset": "knee",
        "source": "folder",
        "manual_dir": tmp_path / "raw",
        "data_dir": tmp_path / "prepared",
        "image_size": SIZE,
        "file_format": request.param,
    }


@pytest.fixture
def folder(arguments, tmp_path):
    prepare(**arguments)
    whole._found_whole.clear()
    return tmp_path / "prepared/knee/folder_16x12/1.0.3"


def records(folder):
    (path,) = folder.glob("knee-train.*")
    return path


def truncate(path):
    path.write_bytes(path.read_bytes()[:-20])


def empty(path):
    path.write_bytes(b"")


def flip(path):
    """As a disk does: the size and the time stamp stay."""
    content, status = bytearray(path.read_bytes()), path.stat()
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def refused_and_rebuilt(arguments, knees, name):
    with pytest.raises(InputError, match=rf"are damaged: .*{name}.*{WAY_OUT}"):
        prepare(**arguments)
    builder = prepare(**arguments, rebuild=True)
    assert_same(read_back(builder, "train"), expected_slices("a", knees["train_a"]))
    assert_same(read_back(prepare(**arguments), "train"), read_back(builder, "train"))


class TestRecords:
    @pytest.mark.parametrize("damage", [truncate, empty, flip, os.unlink])
    def test_records(self, arguments, folder, knees, damage):
        path = records(folder)
        damage(path)
        refused_and_rebuilt(arguments, knees, path.name)

    @pytest.mark.slow
    def test_every_flipped_bit_counts(self, arguments, folder):
        path = records(folder)
        content = path.read_bytes()
        for position in range(0, len(content), 97):
            damaged = bytearray(content)
            damaged[position] ^= 1
            path.write_bytes(damaged)
            with pytest.raises(
                InputError, match=r"is not as it was written \(its checksum differs"
            ):
                prepare(**arguments)

    def test_without_raw_files(self, arguments, folder):
        """Nothing is removed that cannot be made again."""
        flip(records(folder))
        arguments["manual_dir"] = None
        with pytest.raises(InputError, match="needs raw files, but no manual directory was given"):
            prepare(**arguments, rebuild=True)
        assert records(folder).is_file()


class TestDescriptions:
    @pytest.mark.parametrize("name", ["dataset_info.json", "features.json", "metadata.json"])
    @pytest.mark.parametrize("damage", [truncate, empty])
    def test_truncated(self, arguments, folder, knees, name, damage):
        damage(folder / name)
        refused_and_rebuilt(arguments, knees, r"\.json")

    @pytest.mark.parametrize("name", ["dataset_info.json", "features.json", "metadata.json"])
    def test_a_flipped_digit(self, arguments, folder, knees, name):
        path = folder / name
        content = path.read_text()
        place = next(i for i, sign in enumerate(content) if sign in "3456789")
        path.write_text(f"{content[:place]}2{content[place + 1 :]}")
        refused_and_rebuilt(arguments, knees, r"\.json")

    def test_every_digit_of_the_metadata_counts(self, arguments, folder):
        path = folder / "metadata.json"
        content = path.read_text()
        for place in [i for i, sign in enumerate(content) if sign.isdigit()][::20]:
            other = (int(content[place]) + 1) % 10
            path.write_text(f"{content[:place]}{other}{content[place + 1 :]}")
            with pytest.raises(InputError, match=f"are damaged: .*{WAY_OUT}"):
                prepare(**arguments)

    def test_missing_metadata(self, arguments, folder, knees):
        (folder / "metadata.json").unlink()
        refused_and_rebuilt(arguments, knees, r"metadata\.json is missing\.")

    @pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
    def test_missing(self, arguments, folder, knees, name):
        """What is there is no data set, and one is prepared."""
        (folder / name).unlink()
        builder = prepare(**arguments)
        assert_same(read_back(builder, "train"), expected_slices("a", knees["train_a"]))

    def test_as_an_earlier_version_wrote_them(self, arguments, folder, monkeypatch):
        """Without checksums: the files are looked for, and prepared data are used again."""
        metadata = json.loads((folder / "metadata.json").read_text())
        del metadata[whole.FILES], metadata[whole.CHECKSUM]
        (folder / "metadata.json").write_text(json.dumps(metadata))
        monkeypatch.setattr(SliceBuilder, "_generate_examples", None)
        assert len(read_back(prepare(**arguments), "train")) == 2
        records(folder).unlink()
        with pytest.raises(InputError, match=rf"knee-train.* is missing\. {WAY_OUT}"):
            prepare(**arguments)

    def test_by_the_builder_itself(self, arguments, folder):
        truncate(folder / "dataset_info.json")
        with pytest.raises(InputError, match=f"are damaged: .*dataset_info.json .*{WAY_OUT}"):
            Builder(config="folder_16x12", data_dir=arguments["data_dir"])

    def test_contradictions(self, arguments, folder, knees):
        path = folder / "dataset_info.json"
        path.write_text(path.read_text().replace('"2"', '"3"'))
        refused_and_rebuilt(arguments, knees, "and dataset_info.json contradict each other")

    @pytest.mark.parametrize("content", ["[]", "{}", '{"raw_files": {}, "splits": []}', "\xff"])
    def test_other_metadata(self, arguments, folder, knees, content):
        (folder / "metadata.json").write_text(content, encoding="latin-1")
        refused_and_rebuilt(arguments, knees, r"metadata\.json ")

    @pytest.mark.parametrize("name", ["slices", "patients", "sha256"])
    def test_metadata_without_what_evaluations_need(self, arguments, folder, knees, name):
        path = folder / "metadata.json"
        path.write_text(path.read_text().replace(f'"{name}":', f'"{name}x":'))
        refused_and_rebuilt(arguments, knees, rf"metadata\.json is incomplete: it has no '{name}'")

    def test_other_errors_stay(self, tmp_path):
        with pytest.raises(ValueError, match="nothing not found"):
            Builder(config="nothing", data_dir=tmp_path)
