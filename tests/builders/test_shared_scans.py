"""A scan that is in both splits is found by its contents, whatever its names."""

import numpy as np
import pytest
from raw_data import SIZE, centered_kspace, complex_images, write_acdc, write_folder
from raw_formats import write_bart

from tfds_builders.prepare import prepare


def shared_scans(caplog):
    """The warnings of scans in both splits."""
    return [line.message for line in caplog.records if "by their contents" in line.message]


@pytest.mark.parametrize("num_workers", [None, 2])
@pytest.mark.parametrize("source", ["folder", "folder_kspace"])
def test_under_another_name(tmp_path, rng, in_this_process, caplog, source, num_workers):
    volumes = {"train_a": (1, 16, 12), "train_b": (2, 16, 12), "validation_c": (3, 16, 12)}
    volumes = {name: centered_kspace(complex_images(rng, shape)) for name, shape in volumes.items()}
    volumes["validation_d"] = volumes["train_b"]
    write_folder(tmp_path, "own", **volumes)
    (tmp_path / "own/folder").rename(tmp_path / "own" / source)
    arguments = "own", source, tmp_path, tmp_path / "out", SIZE
    prepare(*arguments, num_workers=num_workers)
    assert shared_scans(caplog) == [
        f"own/{source}_16x12: scans that are both in training and in validation, by their "
        "contents: 1 (such as train/b.npy and validation/d.npy). Results on these are better than "
        "on others."
    ]


def test_twice_in_one_split(tmp_path, rng, caplog):
    image = rng.random((1, 16, 12))
    write_folder(tmp_path, "own", train_a=image, train_b=image, validation_c=image[:, ::-1])
    prepare("own", "folder", tmp_path, tmp_path / "out", SIZE)
    assert not shared_scans(caplog)


def test_headers_of_bart_may_be_equal(tmp_path, rng, caplog):
    for place in ("train/a", "validation/b"):
        kspace = centered_kspace(complex_images(rng, (16, 12)))
        path = tmp_path / f"own/folder_kspace/{place}.cfl"
        path.parent.mkdir(parents=True)
        write_bart(path, (16, 12), kspace)
    prepare("own", "folder_kspace", tmp_path, tmp_path / "out", SIZE)
    assert not shared_scans(caplog)


def test_unreadable_files_have_nothing_to_compare(tmp_path, rng, caplog):
    write_folder(tmp_path, "own", train_a=rng.random((16, 12)), validation_b=rng.random((16, 12)))
    for name in ("train/empty.npy", "validation/blank.npy"):
        (tmp_path / "own/folder" / name).touch()
    for name in ("train/gone.npy", "validation/lost.npy"):
        (tmp_path / "own/folder" / name).symlink_to("nowhere")
    prepare("own", "folder", tmp_path, tmp_path / "out", SIZE, skip_unreadable=True)
    assert not shared_scans(caplog)


def test_official_sets_stay_as_they_are(tmp_path, caplog):
    volume = np.arange(16 * 12 * 2, dtype=np.int16).reshape(16, 12, 2)
    places = ("training", "patient001", "01"), ("testing", "patient101", "01")
    write_acdc(tmp_path, dict.fromkeys(places, volume))
    prepare("cardiac", "acdc", tmp_path, tmp_path / "out", SIZE)
    assert not shared_scans(caplog)
