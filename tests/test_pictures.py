"""A picture never costs a result, and looks the same whatever a matplotlibrc says."""

import matplotlib
import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure

from kdmri_tf.pictures import draw


def paint(path):
    """A figure with a title, which LaTeX would have to set."""
    figure = Figure(figsize=(2, 1))
    figure.suptitle("a $ in a name", parse_math=False)
    figure.savefig(path, format="png")


def test_a_users_settings_change_nothing(tmp_path):
    assert draw(tmp_path / "usual.png", paint)
    strange = {"text.usetex": True, "font.size": 40.0, "figure.facecolor": "red"}
    with matplotlib.rc_context(strange):
        assert draw(tmp_path / "strange.png", paint)
        assert matplotlib.rcParams["font.size"] == 40
    usual, other = (
        matplotlib.image.imread(tmp_path / f"{name}.png") for name in ("usual", "strange")
    )
    np.testing.assert_array_equal(usual, other)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("latex was not found\n\n"), r"\(latex was not found\)"),
        (OSError(28, "No space left on device", "figures/a.png"), r"\(No space left on device\)"),
        (MemoryError(), r"\(MemoryError\)"),
    ],
)
def test_what_fails_is_said_and_the_earlier_picture_stays(tmp_path, error, words):
    path = tmp_path / "a.png"
    path.write_bytes(b"earlier")

    def half(place):
        place.write_bytes(b"half")
        raise error

    match = rf"The picture .*a\.png could not be drawn {words}\. All other results are there\."
    with pytest.warns(UserWarning, match=match):
        assert not draw(path, half)
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    assert path.read_bytes() == b"earlier"


def test_a_temporary_file_is_not_named(tmp_path):
    words = r"^The slices after epoch 3 could not be drawn \(No such file or directory\)\. All oth"
    with pytest.warns(UserWarning, match=words):
        assert not draw(tmp_path / "no" / "a.png", paint, "The slices after epoch 3")


def test_a_stop_is_not_held_up(tmp_path):
    def stopped(place):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw(tmp_path / "a.png", stopped)
