"""Pictures for TensorBoard: there, seldom enough, and of no influence on the training."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.util import event_pb2

from kdmri_tf import DCCNN, TrainingSettings
from kdmri_tf.distillation.student_friendly import StudentFriendlyTeacher
from kdmri_tf.training import fit, image_log
from kdmri_tf.training.image_log import ImageLog


def pictures(folder):
    """Step -> picture of the event files of a folder."""
    found = {}
    for path in sorted(folder.glob("events*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = event_pb2.Event.FromString(record.numpy())
            for value in event.summary.value:
                width, height, png = value.tensor.string_val
                found[event.step] = tf.io.decode_png(png).numpy()
                assert found[event.step].shape == (int(height), int(width), 3)
    return found


def train(data, folder, epochs=3, **settings):
    folder.mkdir()
    keras.utils.set_random_seed(0)
    network = DCCNN(2, 1, filters=4)
    chosen = TrainingSettings(epochs=epochs, batch_size=2, filters=4, **settings)
    fit.train(network, network, data, folder, chosen, loss="mae")
    return network


def test_the_last_epoch_is_drawn_and_nothing_else_changes(data, tmp_path, monkeypatch):
    with_pictures = train(data, tmp_path / "with")
    found = pictures(tmp_path / "with" / "tensorboard" / "images")
    assert list(found) == [2]
    assert found[2].std() > 10  # not blank
    with monkeypatch.context() as patch:
        patch.setattr(ImageLog, "on_test_end", lambda self, logs=None: None)
        without = train(data, tmp_path / "without")
    for weight, other in zip(with_pictures.get_weights(), without.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)


def test_averages_are_drawn_where_they_are_kept(data, tmp_path, monkeypatch):
    drawn = []

    def paint(self, place, epoch):
        place.touch()
        drawn.append(self.network.get_weights())

    monkeypatch.setattr(ImageLog, "_paint", paint)
    network = train(data, tmp_path / "run", epochs=1, ema_momentum=0.9)
    for weight, kept in zip(drawn[-1], network.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, kept)


@pytest.mark.parametrize("form", ["network", "joint"])
def test_the_slices_stay_the_same(data, tmp_path, form):
    network = teacher = DCCNN(3, 2, filters=4)
    if form == "joint":
        network = StudentFriendlyTeacher(teacher, DCCNN(2, 2, filters=4))
    shown = []
    for number in range(2):
        log = ImageLog(tmp_path / str(number), network, data, epochs=1)
        assert log.network is teacher
        log.on_epoch_begin(0)
        log.on_test_end()
        shown.append([(label, *where[:2]) for label, where in log._slices.items()])
    assert shown[0] == shown[1]
    assert [label for label, _, _ in shown[0]] == ["good", "median", "bad"]
    first, second = (pictures(tmp_path / str(number))[0] for number in range(2))
    np.testing.assert_array_equal(first, second)


def test_pictures_take_a_small_share_of_the_time(data, tmp_path, monkeypatch):
    """Of epochs of 60 seconds and pictures of 5; a clock that moves when it is told to."""
    now, drawn = [0.0], []
    monkeypatch.setattr(image_log.time, "perf_counter", lambda: now[0])

    def draw(path, paint, what):
        assert what == f"TensorBoard's picture of validation slices after epoch {epoch + 1}"
        now[0] += 5
        drawn.append(epoch)

    monkeypatch.setattr(image_log, "draw", draw)
    log = ImageLog(tmp_path, DCCNN(2, 1, filters=2), data, epochs=40)
    for epoch in range(40):
        now[0] += 60
        log.on_epoch_begin(epoch)
        log.on_test_end()
    assert drawn[0] == 2
    assert drawn[-1] == 39
    assert 5 * (len(drawn) - 1) <= 0.02 * now[0]
    assert len(drawn) > 8


def test_a_picture_that_fails_ends_nothing(data, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise OSError("no font")

    monkeypatch.setattr(image_log, "reconstruction_figure", fail)
    with pytest.warns(UserWarning, match=r"could not be drawn \(no font\)"):
        train(data, tmp_path / "a", epochs=1)
