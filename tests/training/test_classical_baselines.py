"""CG-SENSE and L1-wavelet beside networks: tuned on training slices, run on batches."""

import functools

import numpy as np
import pytest

from kdmri_tf import InputError
from kdmri_tf.evaluation import sense_baselines
from kdmri_tf.training.classical_baselines import classical_baselines


def test_they_run_on_batches_and_are_better_than_nothing(load_tiny, capsys, monkeypatch):
    pytest.importorskip("sigpy")
    short = functools.partial(sense_baselines.best_weight, weights=(1e-3, 1.0))
    monkeypatch.setattr("kdmri_tf.training.classical_baselines.best_weight", short)
    data = load_tiny(coils=2)
    baselines = classical_baselines(data, num_slices=2)
    assert list(baselines) == ["CG-SENSE", "L1-wavelet"]
    assert "CG-SENSE: weight 0.001, the best on 2 training slices.\n" in capsys.readouterr().out
    inputs, target = next(iter(data.batches("validation", 3)))
    zero_filled = data.degradation.baselines["zero-filled"](inputs, target)
    for baseline in baselines.values():
        images = baseline(inputs)
        assert images.shape == target.shape
        errors = (np.linalg.norm(image - target) for image in (images, zero_filled))
        assert next(errors) < next(errors)


def test_one_coil_has_no_cg_sense(load_tiny):
    pytest.importorskip("sigpy")
    assert list(classical_baselines(load_tiny(coils=1), num_slices=1)) == ["L1-wavelet"]


def test_magnitude_images_have_none(data):
    with pytest.raises(InputError, match=r"Classical baselines reconstruct k-space .* add --coils"):
        classical_baselines(data)
