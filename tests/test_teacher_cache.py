"""A student learns the same from a teacher's cached outputs as from the teacher."""

import keras
import numpy as np
import pytest

from kdmri_tf import (
    DCCNN,
    AttentionTransfer,
    Distiller,
    InputError,
    cache_teacher,
    teacher_cache,
)


@pytest.fixture
def teacher():
    keras.utils.set_random_seed(1)
    return DCCNN(4, 2, filters=8)


def test_keeps_one_element_a_slice_in_order(data, teacher):
    cached = cache_teacher(teacher, data, AttentionTransfer(), batch_size=4)
    assert set(cached) == {"train", "validation"}
    kept = list(cached["train"])
    assert len(kept) == 6
    inputs, _ = next(iter(data.batches("train", batch_size=6)))
    images = np.stack([element["image"] for element in kept])
    np.testing.assert_allclose(images, teacher(inputs), atol=1e-5)
    assert [feature.shape for feature in kept[0]["features"]] == [(36, 34, 1)] * 2


def test_condensed_features_give_the_same_loss(inputs, teacher):
    student = DCCNN(3, 2, filters=5)
    _, student_features = student(inputs, return_features=True)
    _, teacher_features = teacher(inputs, return_features=True)
    loss = AttentionTransfer()
    condensed = [loss.condense(feature) for feature in teacher_features]
    assert float(loss(condensed, student_features)) == pytest.approx(
        float(loss(teacher_features, student_features)), rel=1e-5
    )


@pytest.mark.parametrize(
    ("feature", "imitation", "reconstruction"), [(1.0, 0.0, 0.0), (0.0, 0.5, 0.5), (1.0, 1.0, 1.0)]
)
def test_trains_to_the_same_weights(data, teacher, feature, imitation, reconstruction):
    loss = AttentionTransfer() if feature else None
    cached = cache_teacher(teacher, data, loss, images=imitation > 0)
    results = []
    for kept in ({}, cached):
        keras.utils.set_random_seed(0)
        student = DCCNN(3, 2, filters=6)
        distiller = Distiller(student, teacher)
        distiller.compile(keras.optimizers.SGD(0.01), loss, feature, imitation, reconstruction)
        train = data.batches("train", 3, seed=4, first_epoch=0, teacher=kept.get("train"))
        validation = data.batches("validation", 3, teacher=kept.get("validation"))
        history = distiller.fit(
            train, validation_data=validation, steps_per_epoch=2, epochs=2, shuffle=False, verbose=0
        )
        results.append((student.get_weights(), history.history))
    (live, live_history), (from_cache, cache_history) = results
    for expected, weight in zip(live, from_cache, strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-5)
    assert set(cache_history) == set(live_history)
    for name, values in live_history.items():
        assert cache_history[name] == pytest.approx(values, rel=1e-4)


def test_nothing_to_keep(data, teacher):
    assert cache_teacher(teacher, data, feature_loss=None, images=False) is None


def test_a_cache_without_what_a_weight_asks_for(data, teacher):
    cached = cache_teacher(teacher, data, AttentionTransfer(), images=False)
    distiller = Distiller(DCCNN(3, 2, filters=6), teacher)
    distiller.compile("adam")
    with pytest.raises(InputError, match="cached teacher lacks image, which a weight asks for"):
        distiller.fit(data.batches("train", 3, teacher=cached["train"]), verbose=0)


def test_too_large_for_memory(data, teacher, monkeypatch):
    monkeypatch.setattr(teacher_cache, "MEMORY_BUDGET_BYTES", 1000)
    assert cache_teacher(teacher, data) is None
