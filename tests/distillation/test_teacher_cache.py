"""A student learns the same from a teacher's cached outputs as from the teacher."""

import dataclasses
import os
import shutil
from collections import namedtuple

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import DCCNN, AttentionTransfer, Distiller, FitNets, InputError, cache_teacher
from kdmri_tf.data.augmentation import Variation
from kdmri_tf.physics.undersampling import Undersampling


def values(cached):
    """All kept values of both splits, in order."""
    return [
        np.concatenate([part.ravel() for part in (element["image"], *element.get("described", ()))])
        for split in ("train", "validation")
        for element in cached[split].slices.as_numpy_iterator()
    ]


def caches(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def small_teacher():
    """For tests of where values lie, whatever they are."""
    return DCCNN(2, 1, filters=2)


@pytest.fixture
def teacher():
    keras.utils.set_random_seed(1)
    return DCCNN(3, 2, filters=8)


def test_keeps_one_element_a_slice_in_order(data, teacher):
    cached = cache_teacher(teacher, data, AttentionTransfer(), batch_size=4)
    assert set(cached) == {"train", "validation"}
    kept = list(cached["train"].slices)
    assert len(kept) == 6
    inputs, _ = next(iter(data.batches("train", batch_size=6)))
    images = np.stack([element["image"] for element in kept])
    np.testing.assert_allclose(images, teacher(inputs), atol=1e-5)
    assert [feature.shape for feature in kept[0]["described"]] == [(36 * 34,)] * 2


@pytest.mark.parametrize(
    ("feature", "imitation", "reconstruction"), [(1.0, 0.0, 0.0), (0.0, 0.5, 0.5)]
)
def test_trains_to_the_same_weights(data, teacher, tmp_path, feature, imitation, reconstruction):
    """Live, from memory, and from disk; in epochs as Keras takes them from an endless data set."""
    loss = AttentionTransfer() if feature else None
    images = imitation > 0
    sources = {
        "live": {},
        "memory": cache_teacher(teacher, data, loss, images),
        "disk": cache_teacher(teacher, data, loss, images, folder=tmp_path, memory_budget=0),
    }
    weights, histories = {}, {}
    for name, kept in sources.items():
        keras.utils.set_random_seed(0)
        student = DCCNN(2, 2, filters=6)
        distiller = Distiller(teacher, student)
        distiller.compile(keras.optimizers.SGD(0.01), loss, feature, imitation, reconstruction)
        train = data.batches("train", 3, seed=4, first_epoch=0, teacher_outputs=kept.get("train"))
        validation = data.batches("validation", 3, teacher_outputs=kept.get("validation"))
        history = distiller.fit(
            train, validation_data=validation, steps_per_epoch=2, epochs=2, shuffle=False, verbose=0
        )
        weights[name], histories[name] = student.get_weights(), history.history
    for name in ("memory", "disk"):
        for expected, weight in zip(weights["live"], weights[name], strict=True):
            np.testing.assert_allclose(weight, expected, atol=1e-6)
        assert set(histories[name]) == set(histories["live"])
        for key, expected in histories["live"].items():
            assert histories[name][key] == pytest.approx(expected, rel=1e-4)
    for from_disk, from_memory in zip(weights["disk"], weights["memory"], strict=True):
        np.testing.assert_array_equal(from_disk, from_memory)


def test_nothing_to_keep(data, teacher):
    assert cache_teacher(teacher, data, feature_loss=None, images=False) is None


def test_a_cache_without_what_a_weight_asks_for(data, teacher):
    cached = cache_teacher(teacher, data, AttentionTransfer(), images=False)
    distiller = Distiller(teacher, DCCNN(3, 2, filters=6))
    distiller.compile("adam")
    with pytest.raises(InputError, match="outputs lack image, which a loss weight needs: call"):
        distiller.fit(data.batches("train", 3, teacher_outputs=cached["train"]), verbose=0)


def test_says_what_is_kept_where(data, small_teacher, tmp_path, capsys):
    def said(**arguments):
        cached = cache_teacher(small_teacher, data, **arguments)
        return cached, capsys.readouterr().out

    cached, words = said()
    assert cached is not None
    # 10 slices of 36 x 34, one channel of float32
    assert words == "The teacher's outputs are kept in memory (0.05 MB).\n"
    cached, words = said(memory_budget=10 * 36 * 34 * 4 - 1)
    assert cached is None
    assert words == (
        "The teacher runs in every step: its outputs take 0.05 MB, and memory may hold 0.05 MB.\n"
    )
    _, words = said(memory_budget=0, folder=tmp_path)
    (name,) = caches(tmp_path)
    assert words == f"The teacher's outputs are kept on disk (0.05 MB, {tmp_path / name}).\n"
    _, words = said(memory_budget=0, folder=tmp_path)
    assert words == (f"The teacher's outputs are on disk already (0.05 MB, {tmp_path / name}).\n")


def test_values_have_the_precision_that_they_were_computed_in(data, capsys):
    teacher = DCCNN(2, 1, filters=2, dtype="mixed_bfloat16")
    (element,) = cache_teacher(teacher, data, AttentionTransfer())["train"].slices.take(1)
    assert {element["image"].dtype, element["described"][0].dtype} == {tf.float32}
    (element,) = cache_teacher(teacher, data, FitNets(), images=False)["train"].slices.take(1)
    assert element["described"][0].dtype == tf.bfloat16
    # 10 slices of 36 x 34, two channels of two bytes
    assert capsys.readouterr().out.endswith("kept in memory (0.05 MB).\n")


def test_is_not_paired_with_other_slices_or_another_mask(data, mirrored, small_teacher):
    """Which would distil from the images of others, without a word."""
    kept = cache_teacher(small_teacher, data)
    with pytest.raises(
        InputError, match=r"belong to the split 'validation', .* from 'train': pass"
    ):
        data.batches("train", teacher_outputs=kept["validation"])
    other_mask = dataclasses.replace(data, degradation=Undersampling(np.ones_like(data.mask)))
    for other in (other_mask, mirrored):
        with pytest.raises(InputError, match="from other images or another mask than these batch"):
            other.batches("train", teacher_outputs=kept["train"])


@pytest.mark.parametrize("place", ["memory", "disk"])
def test_the_teacher_runs_once(data, small_teacher, tmp_path, place):
    where = {"folder": tmp_path, "memory_budget": 0} if place == "disk" else {}
    cached = cache_teacher(small_teacher, data, **where)
    expected = values(cached)
    weights = small_teacher.get_weights()
    small_teacher.set_weights([weight + 1 for weight in weights])
    np.testing.assert_array_equal(values(cached), expected)
    batches = data.batches("train", 3, seed=1, first_epoch=0, teacher_outputs=cached["train"])
    for inputs, _ in batches.take(4):
        for image in inputs["teacher_outputs"]["image"].numpy():
            assert any((image.ravel() == kept).all() for kept in expected)
    small_teacher.set_weights(weights)


def test_a_finished_cache_on_disk_is_read_and_not_computed(data, small_teacher, tmp_path):
    expected = values(cache_teacher(small_teacher, data, folder=tmp_path, memory_budget=0))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    again = cache_teacher(small_teacher, data, folder=tmp_path, memory_budget=0)
    np.testing.assert_array_equal(values(again), expected)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_another_teacher_mask_or_image_finds_no_stale_values(
    data, mirrored, small_teacher, tmp_path
):
    """And the earlier cache leaves the disk."""
    retrained = DCCNN(2, 1, filters=2)
    other_mask = dataclasses.replace(data, degradation=Undersampling(np.ones_like(data.mask)))
    names = set()
    for teacher, chosen in (
        (small_teacher, data),
        (retrained, data),
        (small_teacher, other_mask),
        (small_teacher, mirrored),
    ):
        cached = cache_teacher(teacher, chosen, folder=tmp_path, memory_budget=0)
        (name,) = caches(tmp_path)
        names.add(name)
        inputs, _ = next(iter(chosen.batches("train", 6)))
        images = np.stack([element["image"] for element in cached["train"].slices])
        np.testing.assert_allclose(images, teacher(inputs), atol=1e-5)
    assert len(names) == 4


def test_features_that_do_not_fit_in_memory_are_computed_again(
    data, small_teacher, tmp_path, capsys
):
    """All channels, which a disk gives back more slowly than the teacher; in memory they may be."""
    arguments = {"images": False, "folder": tmp_path}
    cached = cache_teacher(small_teacher, data, FitNets(), **arguments)
    assert cached["train"].slices.element_spec["described"][0].shape == (36, 34, 2)
    size = 10 * 36 * 34 * 2 * 4
    assert (
        cache_teacher(small_teacher, data, FitNets(), memory_budget=size - 1, **arguments) is None
    )
    assert "The teacher runs in every step: its outputs take 0.10 MB" in capsys.readouterr().out
    assert caches(tmp_path) == []


def test_another_architecture_or_loss_makes_another_cache(data, small_teacher, tmp_path):
    """Even where the weights are the same."""
    without_residual = DCCNN(2, 1, filters=2, residual=False)
    without_residual.set_weights(small_teacher.get_weights())
    names = set()
    for teacher, loss, images in (
        (small_teacher, None, True),
        (without_residual, None, True),
        (small_teacher, AttentionTransfer(), True),
        (small_teacher, AttentionTransfer(), False),
    ):
        cache_teacher(teacher, data, loss, images, folder=tmp_path, memory_budget=0)
        names.update(caches(tmp_path))
    assert len(names) == 4


def test_a_cache_written_by_another_process_is_found(data, small_teacher, tmp_path):
    """The key depends on no name that Keras counts up."""
    cache_teacher(small_teacher, data, folder=tmp_path, memory_budget=0)
    first = caches(tmp_path)
    twin = DCCNN.from_config({**small_teacher.get_config(), "name": "twin", "trainable": False})
    twin.set_weights(small_teacher.get_weights())
    cache_teacher(twin, data, folder=tmp_path, memory_budget=0)
    assert caches(tmp_path) == first


def test_an_unfinished_cache_is_written_anew(data, small_teacher, tmp_path):
    expected = values(cache_teacher(small_teacher, data, folder=tmp_path, memory_budget=0))
    (finished,) = tmp_path.iterdir()
    # What a kill in the middle of the second split leaves.
    killed = tmp_path / f".{finished.name}.partial-elsewhere-1-a" / finished.name
    killed.parent.mkdir()
    finished.rename(killed)
    for path in killed.glob("validation*"):
        path.unlink()
    (tmp_path / f"{finished.name}.partial").mkdir()  # of an earlier version
    (killed / "validation_0.lockfile").touch()
    (killed / "validation_0.data-00000-of-00001.tempstate1").write_bytes(b"half")
    again = cache_teacher(small_teacher, data, folder=tmp_path, memory_budget=0)
    np.testing.assert_array_equal(values(again), expected)
    assert caches(tmp_path) == [finished.name]


@pytest.mark.parametrize("name", ["a [1]*?", os.fsdecode(b"h\xe4nsel")])
def test_any_name_of_the_folder(data, small_teacher, tmp_path, name):
    """As TensorFlow gets it: patterns are none, and bytes need not be UTF-8."""
    expected = values(cache_teacher(small_teacher, data))
    for _ in ("written", "read"):
        kept = cache_teacher(small_teacher, data, folder=tmp_path / name, memory_budget=0)
        np.testing.assert_array_equal(values(kept), expected)
    assert len(caches(tmp_path / name)) == 1


def test_other_files_in_the_folder_are_left_alone(data, small_teacher, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    cache_teacher(small_teacher, data, folder=tmp_path, memory_budget=0)
    assert caches(tmp_path)[1:] == ["notes", "notes.txt"]


def test_a_full_disk(data, small_teacher, tmp_path, monkeypatch, capsys):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(50_000, 10_001, 39_999))
    assert cache_teacher(small_teacher, data, folder=tmp_path / "new", memory_budget=0) is None
    assert capsys.readouterr().out == (
        "The teacher runs in every step: its outputs take 0.05 MB, and the disk of "
        f"{tmp_path / 'new'} has 0.04 MB left.\n"
    )


@pytest.mark.parametrize(
    ("augments", "random_masks", "words"),
    [
        (True, False, "augmentation"),
        (False, True, "random masks"),
        (True, True, "augmentation and random masks"),
    ],
)
def test_switches_itself_off_where_inputs_vary(
    data, small_teacher, capsys, augments, random_masks, words
):
    variation = Variation(
        augment=(lambda image, seed: image) if augments else None,
        masks=np.ones((2, 36, 1), np.float32) if random_masks else None,
    )
    varied = dataclasses.replace(data, variation=variation)
    assert cache_teacher(small_teacher, varied) is None
    assert capsys.readouterr().out == (
        f"The teacher runs in every step: its inputs vary with {words}.\n"
    )
