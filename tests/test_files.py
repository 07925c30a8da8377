"""The one writer: whole or not at all, whatever interrupts it."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from foreign_errors import wrapped

from kdmri_tf import InputError
from kdmri_tf.files import is_full_disk, replacing, write_csv

KILLED = """
import os, signal, sys
from pathlib import Path
from kdmri_tf import files

path, moment = Path(sys.argv[1]), sys.argv[2]
if moment == "between":
    rename = Path.rename
    def rename_and_die(self, target):
        rename(self, target)
        os.kill(os.getpid(), signal.SIGKILL)
    Path.rename = rename_and_die
with files.replacing(path) as place:
    place.mkdir()
    (place / "a").write_text("new")
    if moment == "writing":
        os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["a.nii.gz", "a [1]*?.csv", "no-suffix"])
def test_a_file_is_made_and_replaced(tmp_path, name):
    for content in ("first", "second"):
        with replacing(tmp_path / name) as place:
            assert place.name == name  # libraries choose formats by suffix
            place.write_text(content)
        assert (tmp_path / name).read_text() == content
        assert names(tmp_path) == [name]


def test_a_folder_is_replaced(tmp_path):
    for content in ("first", "second"):
        with replacing(tmp_path / "model") as place:
            place.mkdir()
            (place / content).touch()
        assert names(tmp_path / "model") == [content]
    assert names(tmp_path) == ["model"]


def test_a_link_to_a_folder_is_replaced(tmp_path):
    """The link itself, by a folder or by a file: what it points to stays."""
    (tmp_path / "folder").mkdir()
    for make in (Path.touch, Path.mkdir):
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to("folder")
        with replacing(tmp_path / "link") as place:
            make(place)
        assert not (tmp_path / "link").is_symlink()
        assert names(tmp_path) == ["folder", "link"]


def test_no_file_takes_the_place_of_a_folder(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "precious").touch()
    with pytest.raises(InputError, match="results is a folder, which no file replaces: give ano"):
        write_csv(tmp_path / "results", [{"psnr": 30.5}])
    assert names(tmp_path) == ["results"]
    assert names(tmp_path / "results") == ["precious"]


def test_an_exception_leaves_the_earlier_one(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("earlier")

    def write():
        with replacing(path) as place:
            place.write_text("half")
            raise RuntimeError("while writing")

    with pytest.raises(RuntimeError, match="while writing"):
        write()
    assert path.read_text() == "earlier"
    assert names(tmp_path) == ["a.csv"]


@pytest.mark.parametrize("moment", ["writing", "between"])
def test_a_kill_leaves_the_earlier_one(tmp_path, moment):
    path = tmp_path / "model"
    path.mkdir()
    (path / "a").write_text("earlier")
    subprocess.run([sys.executable, "-c", KILLED, str(path), moment], check=False)
    assert len(names(tmp_path)) == (2 if moment == "writing" else 1)
    with replacing(tmp_path / "model") as place:  # the next call clears up first
        assert (path / "a").read_text() == "earlier"
        place.mkdir()
    assert names(tmp_path) == ["model"]


def test_what_a_living_process_writes_is_left_alone(tmp_path):
    with replacing(tmp_path / "a") as first:
        first.write_text("first")
        with replacing(tmp_path / "a") as second:
            second.write_text("second")
    assert (tmp_path / "a").read_text() == "first"
    assert names(tmp_path) == ["a"]


def test_what_another_users_process_writes_is_left_alone(tmp_path, monkeypatch):
    def forbid(process, number):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    with replacing(tmp_path / "a") as first:
        first.write_text("first")
        with monkeypatch.context() as patch:
            patch.setattr(os, "kill", forbid)
            write_csv(tmp_path / "a", [{"psnr": 30.5}])
        assert first.read_text() == "first"
    assert (tmp_path / "a").read_text() == "first"


@pytest.fixture
def events(monkeypatch):
    """What reaches the disk and which names change, in this order."""
    found = []
    monkeypatch.setattr(os, "fsync", lambda file: found.append(os.fstat(file).st_size))
    for name in ("rename", "replace"):
        change = getattr(Path, name)

        def noted(self, target, change=change):
            found.append("name")
            return change(self, target)

        monkeypatch.setattr(Path, name, noted)
    return found


def test_a_file_reaches_the_disk_before_its_name(tmp_path, events):
    with replacing(tmp_path / "a") as place:
        place.write_text("12345")
    assert events == [5, "name"]


def test_all_files_of_a_folder_reach_the_disk_before_its_name(tmp_path, events):
    with replacing(tmp_path / "model") as place:
        (place / "inner").mkdir(parents=True)
        (place / "a").write_text("1")
        (place / "inner" / "b").write_text("22")
    assert sorted(events[:2]) == [1, 2]
    assert events[2:] == ["name"]


@pytest.mark.parametrize("name", ["a" * 255, "脳" * 85, "ä" * 127, "\udce4" * 255])
def test_the_longest_names_that_a_disk_takes(tmp_path, name):
    """255 bytes; a letter has up to four, and the hidden folder's name adds to them."""
    for text in ("first", "second"):
        with replacing(tmp_path / name) as place:
            place.write_text(text)
    assert (tmp_path / name).read_text() == "second"
    assert names(tmp_path) == [name]


def test_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "no" / "a"):
        pass


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_no_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError), replacing(tmp_path / "a"):
        pass


@pytest.mark.parametrize(
    ("error", "is_full"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a.csv"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError("Can't write data (error message = 'No space left on device')"), True),  # HDF5
        (RuntimeError("ResourceExhaustedError: a.pb; Disk quota exceeded\nat y"), True),
        (wrapped(OSError(errno.ENOSPC, "no room")), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (wrapped(KeyError("a")), False),
    ],
)
def test_a_full_disk_is_recognised_whoever_meets_it(error, is_full):
    assert is_full_disk(error) == is_full
