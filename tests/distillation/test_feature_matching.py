"""Which features of networks that differ are compared."""

import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import (
    DCCNN,
    AttentionTransfer,
    Distiller,
    FlowOfSolution,
    InputError,
    cache_teacher,
)
from kdmri_tf.distillation.feature_matching import FeatureMatching

FEATURES = [np.full((1, 5, 4, 2), number, np.float32) for number in range(8)]


def test_networks_alike_are_compared_cascade_by_cascade():
    matching = FeatureMatching.of(DCCNN(3, 4, filters=2), DCCNN(2, 4, filters=2))
    for selection in (matching.teacher, matching.student):
        assert all(a is b for a, b in zip(selection(FEATURES[:4]), FEATURES[:4], strict=True))


@pytest.mark.parametrize(
    ("cascades", "expected"),
    [
        ((5, 8), [[0, 1, 2, 3, 4], [1, 2, 4, 5, 7]]),
        ((4, 2), [[1, 3], [0, 1]]),
        ((1, 3), [[0], [2]]),
    ],
)
def test_the_last_cascades_are_always_compared(cascades, expected):
    matching = FeatureMatching.of_factors(*([1] * count for count in cascades))
    for selection, indices in zip((matching.teacher, matching.student), expected, strict=True):
        assert [index for index, _ in selection.picks] == indices


def test_the_finer_is_averaged_to_the_coarser_grid():
    matching = FeatureMatching.of_factors([1, 2], [2, 3])
    assert matching.teacher.picks == ((0, 2), (1, 3))
    assert matching.student.picks == ((0, 1), (1, 2))
    feature = np.arange(20, dtype=np.float32).reshape(1, 5, 4, 1)
    (averaged, _) = matching.teacher([feature, feature])
    mirrored = np.concatenate([feature, feature[:, -1:]], axis=1)
    expected = mirrored.reshape(1, 3, 2, 2, 2, 1).mean(axis=(2, 4))
    np.testing.assert_allclose(averaged, expected)


def test_a_final_cascade_is_compared_at_full_resolution():
    student = DCCNN.from_name("D2C2-unshuffle2-final2", filters=2)
    matching = FeatureMatching.of(DCCNN(3, 3, filters=2), student)
    assert matching.teacher.picks == ((0, 2), (1, 2), (2, 1))
    assert matching.student.picks == ((0, 1), (1, 1), (2, 1))


def test_flow_of_solution_has_one_grid_for_all_cascades():
    student = DCCNN.from_name("D2C2-unshuffle2-final2", filters=2)
    matching = FeatureMatching.of(DCCNN(3, 3, filters=2), student, FlowOfSolution())
    assert matching.teacher.picks == ((0, 2), (1, 2), (2, 2))
    assert matching.student.picks == ((0, 1), (1, 1), (2, 2))


def test_what_is_kept_for_a_student_of_another_resolution(data):
    """Two cascades of the teacher for three of the student, averaged to half the size."""
    teacher = DCCNN(3, 2, filters=8)
    student = DCCNN.from_name("D2C3-unshuffle2", filters=2)
    distiller = Distiller(teacher, student)
    distiller.compile("sgd", AttentionTransfer())
    cached = cache_teacher(teacher, data, AttentionTransfer(), student=student)
    values = {}
    for name, outputs in {"live": None, "cached": cached["train"]}.items():
        batches = data.batches("train", 6, teacher_outputs=outputs)
        values[name] = distiller.evaluate(batches, return_dict=True, verbose=0, steps=1)
    assert values["cached"]["feature_loss"] == pytest.approx(values["live"]["feature_loss"], 1e-4)
    without = cache_teacher(teacher, data, AttentionTransfer())
    refusals = (InputError, tf.errors.InvalidArgumentError)  # once the sizes are known
    with pytest.raises(refusals, match="another resolution: call cache_teacher with student="):
        distiller.evaluate(data.batches("train", 6, teacher_outputs=without["train"]), verbose=0)
