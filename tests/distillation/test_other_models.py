"""Models of other kinds, and of other precision, in what trains networks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import (
    DCCNN,
    AttentionTransfer,
    Distiller,
    Experiment,
    InputError,
    StudentFriendlyTeacher,
    TrainingSettings,
    cache_teacher,
)


def functional():
    """A functional model from zero-filled images to images; it knows nothing of features."""
    image = keras.Input((8, 8, 1))
    return keras.Model(image, keras.layers.Conv2D(1, 3, padding="same")(image))


def test_imitation_asks_for_no_features():
    keras.utils.set_random_seed(0)
    distiller = Distiller(functional(), functional())
    distiller.compile(keras.optimizers.Adam(0.01))
    image = np.random.default_rng(0).uniform(size=(4, 8, 8, 1)).astype(np.float32)
    losses = distiller.fit(image, image, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    distiller.compile("adam", AttentionTransfer())
    with pytest.raises(InputError, match=r"The teacher, called with return_features=True, must gi"):
        distiller.fit(image, image, verbose=0)


def test_stages_need_networks_of_this_package(data, tmp_path):
    experiment = Experiment(data, tmp_path, TrainingSettings(epochs=1))
    with pytest.raises(InputError, match=r"need a DCCNN or VDSR; this teacher is a Functional\. A"):
        experiment.distil(functional(), "D2C1")
    assert not list(tmp_path.iterdir())


class Brightness(keras.Model):
    """A teacher that takes what a `DCCNN` takes, and gives no features."""

    def call(self, inputs):
        return tf.abs(inputs["kspace"][..., :1])


def test_the_images_of_another_teacher_are_kept(data, capsys):
    outputs = cache_teacher(Brightness(), data)
    inputs, _ = next(iter(data.batches("train", 2, teacher_outputs=outputs["train"])))
    kept = inputs["teacher_outputs"]
    assert kept.keys() == {"image", "teacher"}
    np.testing.assert_array_equal(kept["image"], np.abs(inputs["kspace"][..., :1]))


def test_a_cache_takes_the_losses_of_compile(data, capsys):
    teacher = DCCNN(2, 2, filters=4)
    by_name, by_loss = (cache_teacher(teacher, data, loss) for loss in ("at", AttentionTransfer()))
    for named, given in zip(by_name["train"].slices, by_loss["train"].slices, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, named, given)
    with pytest.raises(InputError, match=r"Unknown distillation method 'magic'"):
        cache_teacher(teacher, data, "magic")
    capsys.readouterr()
    assert cache_teacher(teacher, data, lambda teacher, student: 0.0) is None
    assert "runs in every step: what a loss that is no FeatureLoss" in capsys.readouterr().out


@pytest.mark.parametrize("kind", [Distiller, StudentFriendlyTeacher])
def test_float16_is_trained_with_scaled_losses(kind, batch):
    """Gradients of a mean over a slice are below what float16 can say."""
    teacher, student = (DCCNN(2, 2, filters=4, dtype="mixed_float16") for _ in range(2))
    model = kind(teacher, student)
    model.compile("adam")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    before = student.get_weights()
    # The first steps overflow, are left out and halve the scale.
    logs = model.fit(*batch, epochs=6, verbose=0).history
    assert np.isfinite(logs["loss"]).all()
    pairs = zip(student.get_weights(), before, strict=True)
    assert any((weight != old).any() for weight, old in pairs)
    model.compile("adam", auto_scale_loss=False)
    assert not isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    own = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())
    model.compile(own)
    assert model.optimizer is own


def test_float32_is_not_scaled(networks):
    distiller = Distiller(*networks)
    distiller.compile("adam")
    assert not isinstance(distiller.optimizer, keras.optimizers.LossScaleOptimizer)


@pytest.mark.parametrize("kind", [Distiller, StudentFriendlyTeacher])
def test_exports_are_those_of_the_networks(kind, tmp_path):
    model = kind(DCCNN(2, 2, filters=4), DCCNN(2, 2, filters=4))
    message = rf"A {kind.__name__} only trains; .*: model\.student\.export\(\"student\", format="
    with pytest.raises(InputError, match=message):
        model.export(tmp_path / "model")
