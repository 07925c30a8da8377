"""The picture for notebooks: what it draws, what its titles say, what it refuses."""

import io

import matplotlib.image
import numpy as np
import pytest
import tensorflow as tf

import kdmri_tf
from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.volume_metrics import psnr


@pytest.fixture
def target():
    return kdmri_tf.phantom_volume("cardiac", (36, 32), 1, seed=1)[0]


def titles(figure):
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


def png(figure, **options):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", **options)
    return matplotlib.image.imread(io.BytesIO(buffer.getvalue()))


@pytest.mark.parametrize(
    "shaped",
    [
        lambda image: image,
        lambda image: image[..., np.newaxis],
        lambda image: image[np.newaxis, ..., np.newaxis],
        lambda image: tf.constant(image)[tf.newaxis, ..., tf.newaxis],
    ],
    ids=["(H, W)", "(H, W, 1)", "(1, H, W, 1)", "tensor"],
)
def test_titles_bear_the_psnr_of_every_image(target, shaped):
    images = {"half": target / 2, "noisy": target + np.float32(0.01)}
    figure = kdmri_tf.show({name: shaped(image) for name, image in images.items()}, shaped(target))
    expected = {name: psnr(target[np.newaxis], image[np.newaxis]) for name, image in images.items()}
    assert titles(figure) == [
        "target",
        *(f"{name}\n{decibels:.2f} dB" for name, decibels in expected.items()),
    ]


def test_errors_are_drawn_on_one_scale(target):
    figure = kdmri_tf.show({"half": target / 2, "same": target}, target)
    drawn = [axes.images[0] for axes in figure.axes if axes.images]
    shown, errors = drawn[:3], drawn[3:5]
    assert {image.get_clim() for image in shown} == {(0, float(target.max()))}
    assert len({image.get_clim() for image in errors}) == 1
    np.testing.assert_allclose(errors[0].get_array(), target / 2)
    assert not errors[1].get_array().any()
    assert "inf dB" in titles(figure)[-1]


def test_without_a_target_every_image_has_its_own_scale(target):
    figure = kdmri_tf.show({"image": target, "three times": 3 * target, "blank": 0 * target})
    assert titles(figure) == ["image", "three times", "blank"]
    limits = [axes.images[0].get_clim()[1] for axes in figure.axes]
    np.testing.assert_allclose(limits[:2], [target.max(), 3 * target.max()])
    assert limits[2] > 0


def test_flip_draws_the_first_row_at_the_bottom(target):
    upright = png(kdmri_tf.show({"image": target}))
    np.testing.assert_allclose(
        png(kdmri_tf.show({"image": target[::-1]}, flip=True)), upright, atol=0.01
    )


def test_dollar_signs_are_no_formulas(target):
    figure = kdmri_tf.show({"$x_1$": target, "US$ and $": target}, target)
    assert titles(figure)[1].startswith("$x_1$\n")
    assert not any(axes.title.get_parse_math() for axes in figure.axes[:3])
    assert png(figure).std() > 0.1


def test_notebooks_display_it_without_pyplot(target):
    picture = matplotlib.image.imread(io.BytesIO(kdmri_tf.show({"a": target})._repr_png_()))
    assert picture.std() > 0.1


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        ({}, "There is no image to show"),
        ({"volume": np.ones((2, 36, 32, 1))}, r'"volume" has the shape \(2, 36, 32, 1\)'),
        ({"k-space": np.ones((36, 32, 2))}, r"takes one slice at a time: \(H, W\)"),
        ({"none": np.ones((0, 32))}, r'"none" has the shape \(0, 32\)'),
        ({"broken": np.full((36, 32), np.nan)}, '"broken" holds NaN or infinity'),
        ({"complex": np.ones((36, 32), np.complex64)}, '"complex" is complex; show its magnitude'),
        ({"text": np.full((36, 32), "a")}, "values instead of numbers"),
        ({"small": np.ones((36, 30))}, 'different sizes: "target" 36x32, "small" 36x30'),
        ({"target": np.ones((36, 32))}, "give that image another name"),
    ],
)
def test_what_cannot_be_shown_is_refused(target, images, sentence):
    with pytest.raises(InputError, match=sentence):
        kdmri_tf.show(images, target)


def test_a_blank_target_is_refused(target):
    with pytest.raises(InputError, match="target is blank"):
        kdmri_tf.show({"image": target}, 0 * target)
