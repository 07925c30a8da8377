"""CG-SENSE and L1-wavelet beside networks: tuned on training slices, run on batches."""

import functools
import re

import numpy as np
import pytest
from needed_packages import needed

from kdmri_tf import InputError
from kdmri_tf.evaluation import sense_baselines
from kdmri_tf.training.classical_baselines import classical_baselines


@pytest.fixture
def one_weight(monkeypatch):
    """Tries one weight alone, to save time."""
    quick = functools.partial(sense_baselines.best_weight, weights=(0.02,))
    monkeypatch.setattr("kdmri_tf.training.classical_baselines.best_weight", quick)


def test_batches_are_reconstructed_slice_by_slice(load_tiny, capsys, one_weight):
    needed("sigpy")
    data = load_tiny(coils=2)
    baselines = classical_baselines(data, num_slices=1)
    lines = [f"{name}: weight 0.02, the best on 1 training slice." for name in baselines]
    assert re.findall(r"^.*weight.*$", capsys.readouterr().out, re.MULTILINE) == lines
    inputs, target = next(iter(data.batches("validation", 2)))
    last = {name: value[1].numpy() for name, value in inputs.items()}
    functions = {"CG-SENSE": sense_baselines.cg_sense, "L1-wavelet": sense_baselines.l1_wavelet}
    assert list(baselines) == list(functions)
    for name, function in functions.items():
        images = baselines[name](inputs)
        assert images.shape == target.shape
        np.testing.assert_allclose(images[1], function(**last, weight=0.02), atol=1e-5)


def test_no_slice_is_tried_twice(load_tiny, capsys, one_weight):
    needed("sigpy")
    data = load_tiny(coils=1)
    classical_baselines(data, num_slices=1000)
    assert f"best on {data.num_slices['train']} training slices" in capsys.readouterr().out


def test_weights_are_chosen_on_slices_as_they_are(load_tiny, monkeypatch):
    """Under the one mask and without augmentation, as those that are measured."""
    needed("sigpy")
    data = load_tiny(coils=1, random_masks=True)
    seen = []

    def best_weight(baseline, slices):
        seen.extend(inputs["mask"] for inputs, _ in slices)
        return 0.02

    monkeypatch.setattr("kdmri_tf.training.classical_baselines.best_weight", best_weight)
    classical_baselines(data, num_slices=4)
    assert len(seen) == 4
    assert all((mask == data.mask).all() for mask in seen)


def test_one_coil_has_no_cg_sense(load_tiny, one_weight):
    needed("sigpy")
    assert list(classical_baselines(load_tiny(coils=1), num_slices=1)) == ["L1-wavelet"]


def test_magnitude_images_have_none(data):
    with pytest.raises(InputError, match=r"Classical baselines reconstruct k-space .* add --coils"):
        classical_baselines(data)
