"""Data sets that several workers prepare are those that one process prepares.

What workers do is tested in this process, without Apache Beam; what only Beam can go wrong with,
with it, as its processes take ten seconds to start.
"""

import errno
import importlib.util
import logging
import os
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from needed_packages import needed
from raw_data import centered_kspace, complex_images, write_hdf5

from kdmri_tf.errors import InputError
from tfds_builders.beam import parts, shards
from tfds_builders.beam.options import beam_flags
from tfds_builders.beam.process import pipeline_process
from tfds_builders.knee import Builder
from tfds_builders.prepare import prepare
from tfds_builders.raw_volume import RawVolume

tfds.disable_progress_bar()

SIZE = (32, 32)
needs_beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None, reason="Apache Beam is not installed"
)


@pytest.fixture
def manual_dir(tmp_path, rng):
    """Six volumes of images, one with a blank slice; three of k-space."""
    root = tmp_path / "raw/knee"
    for index in range(6):
        images = rng.random((3, 20, 14)).astype(np.float32)
        images[1:2] *= index != 2
        path = root / f"folder/{'validation' if index > 3 else 'train'}/v{index}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, images)
    for name, split in (("a", "train"), ("b", "train"), ("c", "val")):
        kspace = centered_kspace(complex_images(rng, (2, 4, 20, 14)))
        write_hdf5(root / f"fastmri_multicoil/multicoil_{split}/{name}.h5", kspace=kspace)
    return tmp_path / "raw"


def files_of(builder):
    """Name -> content, of everything there is."""
    return {path.name: path.read_bytes() for path in Path(builder.data_dir).iterdir()}


def assert_same_files(workers, serial):
    assert workers.data_dir != serial.data_dir
    files, expected = files_of(workers), files_of(serial)
    assert files.keys() == expected.keys()
    assert {name for name in files if files[name] != expected[name]} == set()


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("folder", {}),
        ("folder", {"file_format": "array_record"}),
        ("fastmri_multicoil", {}),
        ("fastmri_multicoil", {"coils": 2}),
        ("synthetic", {}),
    ],
)
def test_the_same_files(in_this_process, manual_dir, tmp_path, source, options):
    if "file_format" in options:
        needed("array_record")
    arguments = ("knee", source, manual_dir)
    serial = prepare(*arguments, tmp_path / "serial", SIZE, **options)
    workers = prepare(*arguments, tmp_path / "workers", SIZE, num_workers=2, **options)
    assert_same_files(workers, serial)
    assert "apache_beam" not in sys.modules  # nobody but the pipeline imports it


@pytest.mark.parametrize("number", [2, 5])
def test_the_same_files_where_a_split_has_several(in_this_process, manual_dir, tmp_path, number):
    """They begin and end within volumes; the blank slice is in none."""
    builders = []
    for name, beam_options in (("serial", None), ("workers", beam_flags(2, None))):
        config = tfds.download.DownloadConfig(
            manual_dir=manual_dir, num_shards=number, beam_options=beam_options
        )
        builder = Builder(config="folder_32x32", data_dir=tmp_path / name)
        builder.download_and_prepare(download_config=config)
        builders.append(builder)
    assert builders[0].info.splits["train"].num_shards == number
    assert_same_files(*builders)


def test_files_do_not_differ_from_process_to_process(tmp_path):
    """Features are in the order of their names, which protobuf leaves open."""
    builder = prepare("knee", "synthetic", None, tmp_path, SIZE)
    record = next(path for path in Path(builder.data_dir).iterdir() if "train" in path.name)
    content = record.read_bytes()
    names = [content.index(name) for name in (b"image", b"slice", b"volume")]
    assert names == sorted(names)


def test_a_damaged_file(in_this_process, manual_dir, tmp_path):
    """The sentence of the serial way: of the first, though a later one is found earlier."""
    for name in ("train/v1", "train/v3", "validation/v4"):
        (manual_dir / f"knee/folder/{name}.npy").write_bytes(b"")
    messages = []
    for workers in (None, 2):
        with pytest.raises(InputError, match=r"v1\.npy cannot be read") as caught:
            prepare("knee", "folder", manual_dir, tmp_path / "out", SIZE, num_workers=workers)
        messages.append(str(caught.value))
        assert os.listdir(tmp_path / "out/knee/folder_32x32") == []
    assert messages[0] == messages[1]


def test_damaged_files_that_are_skipped(in_this_process, manual_dir, tmp_path, caplog):
    """In the order of the volumes."""
    for name in ("train/v3", "validation/v4", "train/v1"):
        (manual_dir / f"knee/folder/{name}.npy").write_bytes(b"")
    logs, builders = [], []
    for workers in (None, 2):
        caplog.clear()
        data_dir = tmp_path / f"of_{workers}"
        options = {"skip_unreadable": True, "num_workers": workers}
        builders.append(prepare("knee", "folder", manual_dir, data_dir, SIZE, **options))
        logs.append([r.message for r in caplog.records if r.levelno == logging.WARNING])
    assert [message.count("Skipped") for message in logs[0]] == [1, 1, 1]
    assert logs[0] == logs[1]
    assert_same_files(builders[1], builders[0])


def test_an_empty_split(in_this_process, manual_dir, tmp_path):
    for name in ("validation/v4", "validation/v5"):
        (manual_dir / f"knee/folder/{name}.npy").write_bytes(b"")
    options = {"skip_unreadable": True, "num_workers": 2}
    with pytest.raises(InputError, match=r"no slices left for validation .*skipped: 2\)"):
        prepare("knee", "folder", manual_dir, tmp_path / "out", SIZE, **options)


@pytest.mark.parametrize(("module", "name"), [(parts, "open"), (shards.FixedOrderWriter, "write")])
def test_a_full_disk(in_this_process, manual_dir, tmp_path, monkeypatch, module, name):
    """While a part is written, or a file of the data set."""

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, name, fail, raising=False)
    with pytest.raises(InputError, match=r"cannot be prepared \(no space left on device\)"):
        prepare("knee", "folder", manual_dir, tmp_path / "out", SIZE, num_workers=2)
    assert os.listdir(tmp_path / "out/knee/folder_32x32") == []


def test_a_folder_that_cannot_be_written_to(in_this_process, manual_dir, tmp_path, monkeypatch):
    def fail(*_):
        raise PermissionError(errno.EACCES, "Permission denied", "records")

    monkeypatch.setattr(parts, "open", fail, raising=False)
    with pytest.raises(InputError, match=r"prepared \(\[Errno 13\] Permission denied: 'records'\)"):
        prepare("knee", "folder", manual_dir, tmp_path / "out", SIZE, num_workers=2)


def test_other_errors_stay(in_this_process, manual_dir, tmp_path, monkeypatch):
    monkeypatch.setattr("tfds_builders.slice_reader.normalize", None)
    with pytest.raises(TypeError, match="'NoneType' object is not callable"):
        prepare("knee", "folder", manual_dir, tmp_path / "out", SIZE, num_workers=2)


def test_another_attempt_at_a_volume(in_this_process, manual_dir, tmp_path, monkeypatch):
    """Beam may send a volume twice, also when its part has been read."""
    write_part = parts.write_part

    def write_twice(folder, number):
        for _ in range(2):
            write_part(folder, number)
            write_part(folder, max(number - 1, 0))

    serial = prepare("knee", "folder", manual_dir, tmp_path / "serial", SIZE)
    monkeypatch.setattr(parts, "write_part", write_twice)
    workers = prepare("knee", "folder", manual_dir, tmp_path / "workers", SIZE, num_workers=2)
    assert_same_files(workers, serial)


def test_other_file_formats(in_this_process, tmp_path):
    builder = Builder(config="synthetic_32x32", data_dir=tmp_path, file_format="parquet")
    config = tfds.download.DownloadConfig(beam_options=beam_flags(2, None))
    with pytest.raises(InputError, match="Workers write tfrecord or array_record, not parquet"):
        builder.download_and_prepare(download_config=config)


@needs_beam
@pytest.mark.slow
class TestOnBeam:
    """A worker cannot be given what is patched here; ten seconds each."""

    def test_two_workers(self, manual_dir, tmp_path, caplog):
        (manual_dir / "knee/folder/train/v1.npy").write_bytes(b"")
        arguments = ("knee", "folder", manual_dir)
        serial = prepare(*arguments, tmp_path / "serial", SIZE, skip_unreadable=True)
        options = {"skip_unreadable": True, "num_workers": 2}
        assert_same_files(prepare(*arguments, tmp_path / "workers", SIZE, **options), serial)
        assert caplog.text.count("Skipped: ") == 2

    def test_one_worker(self, manual_dir, tmp_path):
        arguments = ("knee", "fastmri_multicoil", manual_dir)
        serial = prepare(*arguments, tmp_path / "serial", SIZE, coils=2)
        workers = prepare(*arguments, tmp_path / "workers", SIZE, coils=2, num_workers=1)
        assert_same_files(workers, serial)

    def test_a_worker_that_is_killed(self, tmp_path, monkeypatch):
        """Beam itself would wait for it forever."""
        volume = RawVolume("a", "a", {0: partial(os._exit, 9)})
        splits = {"train": [volume], "validation": [volume]}
        monkeypatch.setattr("tfds_builders.slice_builder.synthetic_volumes", lambda *_: splits)
        with pytest.raises(InputError, match=r"was killed, .* use fewer workers \(--num-workers"):
            prepare("knee", "synthetic", None, tmp_path, SIZE, num_workers=1)
        assert os.listdir(tmp_path / "knee/synthetic_32x32") == []


def test_the_pipeline_ends_with_what_waits_for_it(tmp_path):
    """However that ends, and before it has started Beam."""
    code = """
        import signal, sys, time
        from pathlib import Path
        from tfds_builders.beam.process import pipeline_process
        # A shell has jobs in its background ignore it, and what they start.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with pipeline_process(Path(sys.argv[1]), 1, ["--runner=FnApiRunner"]) as pipeline:
            print(pipeline._process.pid, flush=True)
            time.sleep(60)
    """
    for stop in (signal.SIGKILL, signal.SIGINT):
        words = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
        with subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as waiting:
            pipeline = int(waiting.stdout.readline())
            time.sleep(0.2)
            waiting.send_signal(stop)
            waiting.wait(10)
        until = time.monotonic() + 20
        while Path(f"/proc/{pipeline}").exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert not Path(f"/proc/{pipeline}").exists()


def test_a_pipeline_that_fails(tmp_path):
    """What it wrote is shown, as it is a bug: here it is told nothing."""

    def wait(pipeline):
        while pipeline.wait_a_moment():
            pass

    with pipeline_process(tmp_path, 1, ["--runner=FnApiRunner"]) as pipeline:
        (tmp_path / "pipeline.pickle").write_bytes(b"")
        with pytest.raises(RuntimeError, match=r"(?s)Apache Beam failed:.*EOFError"):
            wait(pipeline)
