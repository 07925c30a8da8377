"""When a data set is prepared, used again, prepared anew, or refused."""

import logging
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import filelock
import numpy as np
import pytest
import tensorflow_datasets as tfds
from raw_data import SIZE, assert_same, expected_slices, read_back, write_folder

from kdmri_tf.errors import InputError
from tfds_builders.knee import Builder
from tfds_builders.prepare import prepare

tfds.disable_progress_bar()


@pytest.fixture
def knees(manual_dir):
    """A small `folder` source of three knees."""
    rng = np.random.default_rng(0)
    volumes = {
        name: rng.random((2, 16, 12)) + 0.1 for name in ("train_a", "train_b", "validation_c")
    }
    write_folder(manual_dir, **volumes)
    return volumes


class TestUnreadableFiles:
    def test_error_is_ours_and_leaves_nothing_half_done(self, manual_dir, data_dir, knees):
        bad = manual_dir / "knee/folder/validation/c.npy"
        bad.write_bytes(bad.read_bytes()[:200])
        with pytest.raises(InputError, match=rf"^{bad} cannot be read .*skip_unreadable=True\)\.$"):
            prepare("knee", "folder", manual_dir, data_dir, SIZE)
        assert not list(data_dir.rglob("*.tfrecord*"))
        np.save(bad, knees["validation_c"])
        assert prepare("knee", "folder", manual_dir, data_dir, SIZE).info.splits["train"]

    def test_skipping_counts_and_reports_them(self, manual_dir, data_dir, knees, caplog):
        np.save(manual_dir / "knee/folder/train/b.npy", np.full((16, 12), np.nan))
        builder = prepare("knee", "folder", manual_dir, data_dir, SIZE, skip_unreadable=True)
        assert {name for name, _, _ in read_back(builder, "train")} == {"a"}
        (skipped,) = builder.info.metadata["skipped_files"]
        assert "b.npy contains NaN or infinity" in skipped
        assert skipped in caplog.text
        caplog.clear()
        prepare("knee", "folder", manual_dir, data_dir, SIZE)
        assert "was prepared without its unreadable files (1)" in caplog.text

    def test_skipping_all_is_an_error(self, manual_dir, data_dir, knees):
        (manual_dir / "knee/folder/validation/c.npy").write_bytes(b"")
        with pytest.raises(InputError, match="unreadable files skipped: 1"):
            prepare("knee", "folder", manual_dir, data_dir, SIZE, skip_unreadable=True)


class TestReuse:
    def test_prepared_data_are_used_again(self, manual_dir, data_dir, knees, monkeypatch):
        prepare("knee", "folder", manual_dir, data_dir, SIZE)
        monkeypatch.setattr(Builder, "_generate_examples", None)
        builder = prepare("knee", "folder", manual_dir, data_dir, SIZE)
        assert_same(read_back(builder, "train")[:2], expected_slices("a", knees["train_a"]))

    def test_raw_files_may_be_gone(self, manual_dir, data_dir, knees, caplog):
        prepare("knee", "folder", manual_dir, data_dir, SIZE)
        for path in (manual_dir / "knee/folder").rglob("*.npy"):
            path.unlink()
        with caplog.at_level(logging.INFO, "tfds_builders"):
            for directory in (manual_dir, None):
                builder = prepare("knee", "folder", directory, data_dir, SIZE)
                assert len(read_back(builder, "train")) == 4
        assert "No raw files of knee/folder_16x12: using" in caplog.text
        with pytest.raises(InputError, match="knee/folder needs raw files"):
            prepare("knee", "folder", manual_dir, data_dir, SIZE, rebuild=True)
        assert len(read_back(builder, "train")) == 4

    def test_changed_raw_files_are_refused_until_rebuilt(self, manual_dir, data_dir, knees):
        prepare("knee", "folder", manual_dir, data_dir, SIZE)
        folder = manual_dir / "knee/folder/train"
        (folder / "a.npy").rename(folder / "d.npy")
        np.save(folder / "b.npy", knees["train_b"][::-1])
        message = (
            r"have changed since .* was prepared: 1 added \(such as train/d\.npy\), 1 removed "
            r"\(such as train/a\.npy\), 1 modified \(such as train/b\.npy\)\. Use --rebuild-data"
        )
        with pytest.raises(InputError, match=message):
            prepare("knee", "folder", manual_dir, data_dir, SIZE)
        builder = prepare("knee", "folder", manual_dir, data_dir, SIZE, rebuild=True)
        assert [name for name, _, _ in read_back(builder, "train")] == ["b", "b", "d", "d"]
        prepare("knee", "folder", manual_dir, data_dir, SIZE)

    def test_a_copy_of_raw_files_is_known_by_its_contents(
        self, manual_dir, data_dir, knees, caplog
    ):
        prepare("knee", "folder", manual_dir, data_dir, SIZE)
        path = manual_dir / "knee/folder/train/b.npy"
        content = bytearray(path.read_bytes())
        path.unlink()
        path.write_bytes(content)
        later = path.stat().st_mtime_ns + 1_000_000_000
        os.utime(path, ns=(later, later))
        with caplog.at_level(logging.INFO, "tfds_builders"):
            prepare("knee", "folder", manual_dir, data_dir, SIZE)
        assert "Raw files with another time stamp: 1. Comparing contents." in caplog.text
        caplog.clear()
        with caplog.at_level(logging.INFO, "tfds_builders"):
            prepare("knee", "folder", manual_dir, data_dir, SIZE)
        assert "Comparing contents" not in caplog.text
        content[-1] ^= 1
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"1 modified \(such as train/b\.npy\)"):
            prepare("knee", "folder", manual_dir, data_dir, SIZE)

    def test_what_an_interruption_left_is_not_taken_for_whole(self, manual_dir, data_dir, knees):
        left = data_dir / "knee/folder_16x12/1.0.3"
        left.mkdir(parents=True)
        (left / "knee-train.tfrecord-00000-of-00001").write_bytes(b"half a record")
        killed = left.with_name("incomplete.ABCDEF_1.0.3")
        killed.mkdir()
        (killed / "bucket_000.tmp").write_bytes(b"half a record")
        builder = prepare("knee", "folder", manual_dir, data_dir, SIZE)
        assert len(read_back(builder, "train")) == 4
        assert not killed.exists()

    def test_interruption_leaves_no_data_set(self, manual_dir, data_dir, knees, monkeypatch):
        def interrupt(image):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("tfds_builders.slice_reader.normalize", interrupt)
            with pytest.raises(KeyboardInterrupt):
                prepare("knee", "folder", manual_dir, data_dir, SIZE)
        assert len(read_back(prepare("knee", "folder", manual_dir, data_dir, SIZE), "train")) == 4

    def test_a_failed_rebuild_keeps_what_was_prepared(self, manual_dir, data_dir, knees):
        prepare("knee", "folder", manual_dir, data_dir, SIZE)
        broken = manual_dir / "knee/folder/train/broken.npy"
        broken.write_bytes(b"")
        with pytest.raises(InputError, match=r"broken\.npy"):
            prepare("knee", "folder", manual_dir, data_dir, SIZE, rebuild=True)
        assert os.listdir(data_dir / "knee/folder_16x12") == ["1.0.3"]
        broken.unlink()
        builder = prepare("knee", "folder", None, data_dir, SIZE)
        assert len(read_back(builder, "train")) == 4
        prepare("knee", "folder", manual_dir, data_dir, SIZE, rebuild=True)
        assert os.listdir(data_dir / "knee/folder_16x12") == ["1.0.3"]

    def test_data_of_an_earlier_version(self, manual_dir, data_dir, knees, caplog):
        prepare("knee", "folder", manual_dir, data_dir, SIZE)
        folder = data_dir / "knee/folder_16x12"
        (folder / "1.0.3").rename(folder / "1.0.1")
        with pytest.raises(InputError, match=r"16x12/1\.0\.1 was prepared by an earlier versi"):
            prepare("knee", "folder", None, data_dir, SIZE)
        with caplog.at_level(logging.INFO, "tfds_builders"):
            prepare("knee", "folder", manual_dir, data_dir, SIZE)
        assert "1.0.1 was prepared by an earlier version and can be deleted" in caplog.text

    def test_a_killed_rebuild_keeps_what_was_prepared(self, manual_dir, data_dir, knees):
        prepare("knee", "folder", manual_dir, data_dir, SIZE)
        folder = data_dir / "knee/folder_16x12"
        (folder / "1.0.3").rename(folder / "before.1.0.3")
        builder = prepare("knee", "folder", None, data_dir, SIZE)
        assert len(read_back(builder, "train")) == 4
        # Killed after the new data were in place: these count.
        (folder / "before.1.0.3").mkdir()
        prepare("knee", "folder", None, data_dir, SIZE)
        assert os.listdir(folder) == ["1.0.3"]

    def test_a_damaged_rebuild_that_was_killed_is_rebuilt(self, manual_dir, data_dir, knees):
        """Killed between the new data and the removal of the earlier, which then were damaged."""
        prepare("knee", "folder", manual_dir, data_dir, SIZE)
        folder = data_dir / "knee/folder_16x12"
        shutil.copytree(folder / "1.0.3", folder / "before.1.0.3")
        (folder / "1.0.3/dataset_info.json").write_text("{")
        builder = prepare("knee", "folder", manual_dir, data_dir, SIZE, rebuild=True)
        assert len(read_back(builder, "train")) == 4
        assert os.listdir(folder) == ["1.0.3"]

    def test_a_link_that_leads_nowhere_is_an_unreadable_file(self, manual_dir, data_dir, knees):
        """Such as DataLad leaves for files that were not fetched."""
        (manual_dir / "knee/folder/train/gone.npy").symlink_to("/nowhere/gone.npy")
        with pytest.raises(InputError, match=r"gone\.npy"):
            prepare("knee", "folder", manual_dir, data_dir, SIZE)
        for _ in range(2):  # prepared, and taken up
            builder = prepare("knee", "folder", manual_dir, data_dir, SIZE, skip_unreadable=True)
            assert len(read_back(builder, "train")) == 4

    @pytest.mark.parametrize("has_succeeded", [True, False])
    def test_waits_for_another_process(
        self, manual_dir, data_dir, tmp_path, knees, caplog, has_succeeded
    ):
        prepare("knee", "folder", manual_dir, tmp_path / "other", SIZE)
        (data_dir / "knee").mkdir(parents=True)
        lock = filelock.FileLock(data_dir / "knee/folder_16x12.lock")
        with caplog.at_level(logging.INFO, "tfds_builders"), ThreadPoolExecutor() as pool:
            with lock:
                waiting = pool.submit(prepare, "knee", "folder", manual_dir, data_dir, SIZE)
                while "Waiting for another process" not in caplog.text:
                    time.sleep(0.01)
                    assert not waiting.done()
                if has_succeeded:
                    shutil.copytree(tmp_path / "other", data_dir, dirs_exist_ok=True)
            caplog.clear()
            assert len(read_back(waiting.result(), "train")) == 4
        assert ("Prepared knee/folder" in caplog.text) is not has_succeeded

    def test_a_full_disk(self, manual_dir, data_dir, knees, monkeypatch):
        error = RuntimeError("ResourceExhaustedError: x; No space left on device\nat y")
        monkeypatch.setattr(Builder, "download_and_prepare", Mock(side_effect=error))
        with pytest.raises(InputError, match=r"prepared \(no space left on device\): choose a"):
            prepare("knee", "folder", manual_dir, data_dir, SIZE)
        monkeypatch.setattr(Builder, "download_and_prepare", Mock(side_effect=RuntimeError("bug")))
        with pytest.raises(RuntimeError, match="bug"):
            prepare("knee", "folder", manual_dir, data_dir, SIZE)


class TestBadArguments:
    def test_data_dir_without_a_place_for_the_data_set(self, tmp_path):
        (tmp_path / "knee").touch()
        with pytest.raises(
            InputError, match=r"knee.* cannot be prepared .*: choose a data directory"
        ):
            prepare("knee", "synthetic", None, tmp_path, SIZE)

    def test_missing_source_prints_the_expected_tree(self, manual_dir, data_dir):
        for directory, searched in [(manual_dir, "cardiac/acdc"), (None, "no manual directory")]:
            with pytest.raises(InputError, match=rf"{searched}[\s\S]*patient001_frame01\.nii\.gz"):
                prepare("cardiac", "acdc", directory, data_dir)

    @pytest.mark.parametrize("size", [(0, 5), (5,), (5, 5, 5), (5.5, 5), (-1, 4)])
    def test_image_size(self, data_dir, size):
        with pytest.raises(InputError, match="is not a height and a width"):
            prepare("knee", "synthetic", None, data_dir, size)

    def test_data_dir(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match=r"Cannot create the data directory .*: choose a"):
            prepare("knee", "synthetic", None, tmp_path / "file", SIZE)


class TestImageSize:
    @pytest.mark.parametrize("size", [np.array(SIZE), [np.int64(16), np.uint8(12)], list(SIZE)])
    def test_any_integers(self, manual_dir, data_dir, knees, size):
        builder = prepare("knee", "folder", manual_dir, data_dir, size)
        assert builder.info.full_name == "knee/folder_16x12/1.0.3"
        assert builder.info.metadata["image_size"] == [16, 12]

    @pytest.mark.parametrize("size", [16, (16,), (16.0, 12), (0, 12), "ab", (16, 12, 1)])
    def test_no_sizes(self, data_dir, size):
        with pytest.raises(InputError, match="is not a height and a width: give two positive int"):
            prepare("knee", "synthetic", None, data_dir, size)

    def test_too_large(self, data_dir):
        with pytest.raises(InputError, match="100000x100000 has 10,000,000,000 pixels, but an im"):
            prepare("knee", "synthetic", None, data_dir, (10**5, 10**5))
