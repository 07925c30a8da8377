"""A scan that is in both splits is found by its contents, whatever its names."""

import numpy as np
import pytest
from raw_data import SIZE, centered_kspace, complex_images, write_acdc, write_folder
from raw_formats import write_bart

from kdmri_tf.errors import InputError
from tfds_builders.prepare import prepare


@pytest.mark.parametrize("num_workers", [None, 2])
@pytest.mark.parametrize("source", ["folder", "folder_kspace"])
def test_under_another_name(tmp_path, rng, in_this_process, source, num_workers):
    volumes = {"train_a": (1, 16, 12), "train_b": (2, 16, 12), "validation_c": (3, 16, 12)}
    volumes = {name: centered_kspace(complex_images(rng, shape)) for name, shape in volumes.items()}
    volumes["validation_d"] = volumes["train_b"]
    write_folder(tmp_path, "own", **volumes)
    (tmp_path / "own/folder").rename(tmp_path / "own" / source)
    arguments = "own", source, tmp_path, tmp_path / "out", SIZE
    message = rf"{source}/train/b\.npy and .*{source}/validation/d\.npy are the same scan, once for"
    with pytest.raises(InputError, match=message):
        prepare(*arguments, num_workers=num_workers)
    (tmp_path / "own" / source / "validation/d.npy").unlink()
    prepare(*arguments, num_workers=num_workers)


def test_twice_in_one_split_is_allowed(tmp_path, rng):
    image = rng.random((1, 16, 12))
    write_folder(tmp_path, "own", train_a=image, train_b=image, validation_c=image[:, ::-1])
    prepare("own", "folder", tmp_path, tmp_path / "out", SIZE)


def test_headers_of_bart_may_be_equal(tmp_path, rng):
    for place in ("train/a", "validation/b"):
        kspace = centered_kspace(complex_images(rng, (16, 12)))
        path = tmp_path / f"own/folder_kspace/{place}.cfl"
        path.parent.mkdir(parents=True)
        write_bart(path, (16, 12), kspace)
    prepare("own", "folder_kspace", tmp_path, tmp_path / "out", SIZE)


def test_unreadable_files_have_nothing_to_compare(tmp_path, rng):
    write_folder(tmp_path, "own", train_a=rng.random((16, 12)), validation_b=rng.random((16, 12)))
    for name in ("train/empty.npy", "validation/blank.npy"):
        (tmp_path / "own/folder" / name).touch()
    for name in ("train/gone.npy", "validation/lost.npy"):
        (tmp_path / "own/folder" / name).symlink_to("nowhere")
    prepare("own", "folder", tmp_path, tmp_path / "out", SIZE, skip_unreadable=True)


def test_official_sets_stay_as_they_are(tmp_path):
    volume = np.arange(16 * 12 * 2, dtype=np.int16).reshape(16, 12, 2)
    places = ("training", "patient001", "01"), ("testing", "patient101", "01")
    write_acdc(tmp_path, dict.fromkeys(places, volume))
    prepare("cardiac", "acdc", tmp_path, tmp_path / "out", SIZE)
