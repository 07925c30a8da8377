"""The figure of an evaluation: a valid PNG file whose content follows from the images."""

import dataclasses

import matplotlib.image
import numpy as np
import pytest

from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.comparison_plot import plot
from kdmri_tf.evaluation.figure_slices import FigureSlice
from kdmri_tf.evaluation.figures import reconstruction_figure


@pytest.fixture
def slices():
    """A good, a median and a bad slice, 24x20, and two reconstructions of each."""
    generator = np.random.default_rng(2)
    made = []
    for number, label in enumerate(("good", "median", "bad")):
        target = generator.uniform(size=(24, 20)).astype(np.float32)
        noise = generator.normal(0, 0.05, size=target.shape).astype(np.float32)
        images = {"zero-filled": target + 2 * noise, "student": target + noise}
        made.append(FigureSlice(label, "patient001", number, target, images))
    return made


def test_reconstruction_figure_and_its_flip(slices, tmp_path):
    def drawn(turn, **options):
        shown = slices[0]
        turned = dataclasses.replace(
            shown,
            target=turn(shown.target),
            reconstructions={name: turn(image) for name, image in shown.reconstructions.items()},
        )
        reconstruction_figure([turned], tmp_path / "figure.png", "cardiac", **options)
        return matplotlib.image.imread(tmp_path / "figure.png")

    as_stored = drawn(lambda image: image)
    assert 1000 < as_stored.shape[1] < 2000
    assert as_stored[..., 0].std() > 0.1
    upright = drawn(lambda image: image[::-1], flip=True)
    np.testing.assert_allclose(upright, as_stored, atol=0.01)
    assert np.abs(drawn(lambda image: image, flip=True) - as_stored).max() > 0.1


def test_every_slice_gets_its_rows(slices, tmp_path):
    path = tmp_path / "figure.png"
    heights = []
    for count in (1, 3):
        reconstruction_figure(slices[:count], path, "cardiac")
        heights.append(matplotlib.image.imread(path).shape[0])
    assert heights[1] > 2.5 * heights[0]


def test_zero_filled_alone_and_perfect_reconstructions_can_be_drawn(slices, tmp_path):
    path = tmp_path / "figure.png"
    target = slices[0].target
    perfect = dataclasses.replace(slices[0], reconstructions={"zero-filled": target})
    reconstruction_figure([perfect], path, "cardiac")
    assert matplotlib.image.imread(path)[..., 0].std() > 0.1


def test_figure_without_slices_is_refused(tmp_path):
    with pytest.raises(InputError, match="no slice to draw"):
        reconstruction_figure([], tmp_path / "figure.png", "nothing")


def test_names_are_drawn_as_they_are(slices, tmp_path):
    """Dollar signs begin no formula, neither one that can be drawn nor one that cannot."""
    path = tmp_path / "figure.png"
    for name in ("p$_1$", r"$\bad$"):
        shown = dataclasses.replace(
            slices[0], volume=name, reconstructions={name: slices[0].target, "b": slices[0].target}
        )
        reconstruction_figure([shown], path, name)
        assert matplotlib.image.imread(path)[..., 0].std() > 0.1
        records = [{"network": name, "parameters": 10, "milliseconds": 2.0, "psnr": 30.0}]
        plot(records, {name: None}, name, path)
        assert matplotlib.image.imread(path)[..., 0].std() > 0
