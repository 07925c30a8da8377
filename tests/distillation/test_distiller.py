"""The distiller's losses and gradients are the weighted sum it promises; the teacher stays put."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import DCCNN, AttentionTransfer, Distiller, InputError, SlicePSNR, load_network
from kdmri_tf.distillation.feature_loss import FeatureLoss
from kdmri_tf.distillation.feature_losses import FEATURE_LOSSES, feature_loss


def expected_losses(student, teacher, batch):
    inputs, target = batch
    student_image, student_features = student(inputs, return_features=True)
    teacher_image, teacher_features = teacher(inputs, return_features=True)
    return {
        "student_loss": tf.reduce_mean(tf.abs(target - student_image)),
        "imitation_loss": tf.reduce_mean(tf.abs(teacher_image - student_image)),
        "feature_loss": AttentionTransfer()(teacher_features, student_features),
    }


@pytest.mark.parametrize(
    ("reconstruction", "imitation", "feature"),
    [(0.5, 0.5, 0.0), (0.3, 0.7, 0.0), (0.0, 0.0, 1.0), (1.0, 2.0, 3.0), (0.0, 1.0, 0.0)],
)
def test_one_step_descends_the_weighted_sum(networks, batch, reconstruction, imitation, feature):
    teacher, student = networks
    before, teacher_before = student.get_weights(), teacher.get_weights()
    with tf.GradientTape() as tape:
        losses = expected_losses(student, teacher, batch)
        total = (
            reconstruction * losses["student_loss"]
            + imitation * losses["imitation_loss"]
            + feature * losses["feature_loss"]
        )
    gradients = tape.gradient(total, student.trainable_variables, unconnected_gradients="zero")

    distiller = Distiller(teacher, student)
    distiller.compile(
        optimizer=keras.optimizers.SGD(1.0),
        feature_loss=AttentionTransfer(),
        feature_weight=feature,
        imitation_weight=imitation,
        student_loss_weight=reconstruction,
    )
    logs = distiller.train_on_batch(*batch, return_dict=True)

    assert logs["loss"] == pytest.approx(float(total), rel=1e-5)
    reported = {"loss", "student_loss"}
    reported |= {"imitation_loss"} if imitation else set()
    reported |= {"feature_loss"} if feature else set()
    assert set(logs) == reported
    for name in reported - {"loss"}:
        assert logs[name] == pytest.approx(float(losses[name]), rel=1e-5)
    for new, old, gradient in zip(student.get_weights(), before, gradients, strict=True):
        np.testing.assert_allclose(old - new, gradient, atol=1e-5)
    for new, old in zip(teacher.get_weights(), teacher_before, strict=True):
        np.testing.assert_array_equal(new, old)


@pytest.mark.parametrize("cached", [False, True], ids=["teacher runs", "teacher kept"])
@pytest.mark.parametrize("method", FEATURE_LOSSES)
def test_every_method_descends_its_loss(batch, method, cached):
    keras.utils.set_random_seed(0)
    student, teacher = DCCNN(3, 2, filters=6), DCCNN(4, 2, filters=6)
    before = student.get_weights()
    inputs, target = batch
    loss = feature_loss(method)
    with tf.GradientTape() as tape:
        _, student_features = student(inputs, return_features=True)
        _, teacher_features = teacher(inputs, return_features=True)
        expected = loss(teacher_features, student_features)
    weights = [variable.value for variable in student.trainable_variables]
    gradients = tape.gradient(expected, weights, unconnected_gradients="zero")
    if cached:
        inputs = {
            **inputs,
            "teacher_outputs": {"described": tuple(loss.describe(teacher_features))},
        }
    distiller = Distiller(teacher, student)
    distiller.compile(
        keras.optimizers.SGD(1.0), loss, 1.0, imitation_weight=0, student_loss_weight=0
    )
    logs = distiller.train_on_batch(inputs, target, return_dict=True)
    assert logs["feature_loss"] == pytest.approx(float(expected), rel=1e-4)
    for new, old, gradient in zip(student.get_weights(), before, gradients, strict=True):
        largest = max(np.abs(part).max() for part in gradients)
        np.testing.assert_allclose(old - new, gradient, atol=1e-6 + 1e-4 * largest)


def test_attention_alone_leaves_the_last_layers(networks, batch):
    teacher, student = networks
    before = student.get_weights()
    distiller = Distiller(teacher, student)
    distiller.compile(
        "sgd", AttentionTransfer(), feature_weight=1, imitation_weight=0, student_loss_weight=0
    )
    distiller.train_on_batch(*batch)
    moved = [(new != old).any() for new, old in zip(student.get_weights(), before, strict=True)]
    # Two cascades of three convolutions, kernel and bias each; the match is the second of three.
    assert moved[:5] == [True] * 5
    assert moved[6:10] == [True] * 4
    assert moved[10:] == [False, False]


def test_validation_reports_and_trains_nothing(networks, batch):
    teacher, student = networks
    before = student.get_weights()
    distiller = Distiller(teacher, student)
    distiller.compile("adam", metrics=[SlicePSNR()])
    losses = expected_losses(student, teacher, batch)
    logs = distiller.evaluate(*batch, batch_size=2, return_dict=True, verbose=0)
    mean = (losses["student_loss"] + losses["imitation_loss"]) / 2
    assert logs["loss"] == pytest.approx(float(mean), rel=1e-5)
    psnr = SlicePSNR()
    psnr.update_state(batch[1], student(batch[0]))
    assert logs[psnr.name] == pytest.approx(float(psnr.result()), rel=1e-5)
    for new, old in zip(student.get_weights(), before, strict=True):
        np.testing.assert_array_equal(new, old)


def test_fit_and_predict(networks, batch):
    teacher, student = networks
    distiller = Distiller(teacher, student)
    distiller.compile(keras.optimizers.Adam(1e-3), AttentionTransfer(), feature_weight=0.1)
    history = distiller.fit(*batch, epochs=5, validation_data=batch, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert history["val_loss"][-1] < history["val_loss"][0]
    np.testing.assert_allclose(distiller.predict(batch[0], verbose=0), student(batch[0]), atol=1e-5)


def test_the_teacher_is_frozen_and_the_student_is_not(networks):
    teacher, student = networks
    distiller = Distiller(teacher, student)
    assert len(distiller.trainable_variables) == len(student.trainable_variables) > 0
    assert not teacher.trainable


@pytest.mark.parametrize("cached", [False, True], ids=["teacher runs", "teacher kept"])
def test_a_users_own_feature_loss_gets_float32(batch, cached):
    """Whatever the precision of the networks."""
    seen = []

    class Distance(FeatureLoss):
        def compare(self, teacher, student):
            seen.extend(feature.dtype for feature in [*teacher, *student])
            return sum(tf.reduce_mean(tf.abs(t - s)) for t, s in zip(teacher, student, strict=True))

    student, teacher = (DCCNN(3, 2, filters=4, dtype="mixed_bfloat16") for _ in range(2))
    inputs, target = batch
    if cached:
        _, features = teacher(inputs, return_features=True)
        described = tuple(tf.cast(feature, tf.float32) for feature in features)
        inputs = {**inputs, "teacher_outputs": {"described": described}}
    distiller = Distiller(teacher, student)
    distiller.compile("sgd", Distance(), 1.0, imitation_weight=0, student_loss_weight=1)
    assert np.isfinite(distiller.train_on_batch(inputs, target, return_dict=True)["loss"])
    assert set(seen) == {tf.float32}


@pytest.mark.slow
def test_goes_on_after_it_was_saved(networks, batch, tmp_path):
    """Networks, losses, weights and optimizer, as ModelCheckpoint saves them."""
    distiller = Distiller(*networks, name="kd")
    losses = {"feature_loss": "fsp", "feature_weight": 0.3, "imitation_weight": 0.25}
    networks[1].blocks[0].trainable = False
    fsp = {"teacher": DCCNN(3, 2, filters=4), "student": DCCNN(2, 2, filters=4)}
    for model, arguments in ((distiller, {}), (Distiller(**fsp), losses)):
        model.compile(keras.optimizers.Adam(1e-3), metrics=[SlicePSNR()], **arguments)
        watched = {"monitor": "val_student_loss", "mode": "min"}
        best = tmp_path / "best.keras"
        keep = keras.callbacks.ModelCheckpoint(best, save_best_only=True, **watched)
        model.fit(*batch, epochs=2, validation_data=batch, callbacks=[keep], verbose=0)
        model.save(tmp_path / "last.keras")
        loaded = keras.models.load_model(tmp_path / "last.keras")
        assert (type(loaded), loaded.name) == (Distiller, model.name)
        assert loaded.loss_weights == model.loss_weights
        assert type(loaded.feature_loss) is type(model.feature_loss)
        assert not loaded.teacher.trainable
        assert len(loaded.trainable_variables) == len(model.trainable_variables)
        for _ in range(2):
            for trained in (model, loaded):
                trained.reset_metrics()  # Keras before 3.13 goes on averaging after fit
            logs, expected = (m.train_on_batch(*batch, return_dict=True) for m in (loaded, model))
            assert logs.keys() == expected.keys()
            np.testing.assert_allclose([*logs.values()], [*expected.values()], rtol=1e-6)
        for weight, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_allclose(weight, expected, atol=1e-7)
        with pytest.raises(InputError, match=r"holds a Distiller.*load_model\(.*\)\.student"):
            load_network(best)


def test_a_plain_function_as_feature_loss(batch):
    """In mixed precision, too; and a name."""
    student, teacher = (DCCNN(3, 2, filters=4, dtype="mixed_bfloat16") for _ in range(2))
    _, (features, _) = teacher(batch[0], return_features=True)
    assert features.dtype == tf.bfloat16

    def distance(teacher_features, student_features):
        pairs = zip(teacher_features, student_features, strict=True)
        return sum(tf.reduce_mean(tf.square(t - s)) for t, s in pairs)

    distiller = Distiller(teacher, student)
    losses = []
    for loss in (distance, "fitnets"):
        distiller.compile(keras.optimizers.SGD(0.0), loss, 1.0)
        distiller.reset_metrics()
        logs = distiller.train_on_batch(*batch, return_dict=True)
        losses.append(float(logs["feature_loss"]))
    assert losses[0] == pytest.approx(2 * losses[1], rel=1e-5)  # FitNets is a mean over cascades
    for wrong, message in [("att", "Unknown distillation method 'att'"), (3, "or its name; got 3")]:
        with pytest.raises(InputError, match=message):
            distiller.compile("adam", wrong)


@pytest.mark.parametrize("change", [lambda x: x[..., 0], lambda x: x.astype(np.float64)])
def test_takes_every_target_that_a_network_is_fitted_on(change):
    """(batch, H, W) as well, where broadcasting would compare every row with every column."""
    rng = np.random.default_rng(0)
    target = rng.uniform(size=(1, 8, 8, 1)).astype(np.float32)
    inputs = {"kspace": np.zeros((1, 8, 8, 2), np.float32), "mask": np.ones((1, 8, 8), np.float32)}
    student, teacher = DCCNN(2, 1, filters=2), DCCNN(2, 1, filters=2)
    distiller = Distiller(teacher, student)
    distiller.compile(keras.optimizers.SGD(0.0), imitation_weight=0.0, student_loss_weight=1.0)
    changed = tf.data.Dataset.from_tensors((inputs, change(target)))
    loss = distiller.evaluate(changed, verbose=0, return_dict=True)["loss"]
    assert loss == pytest.approx(float(np.abs(target - student(inputs)).mean()), rel=1e-5)
    for channels, message in [
        (2, r"The student must give images shaped like the target, \(None, 8, 8, 2\)"),
        (3, r"target must be images \(batch, H, W, 1\)"),
    ]:
        distiller.compile("sgd")
        with pytest.raises(InputError, match=message):
            distiller.evaluate(inputs, np.zeros((1, 8, 8, channels), np.float32), verbose=0)
    unknown = changed.map(
        lambda x, y: (x, tf.numpy_function(lambda z: z.reshape(1, 8, 8, 1), [y], y.dtype))
    )
    distiller.compile("sgd", imitation_weight=0.0, student_loss_weight=1.0)
    assert distiller.evaluate(unknown, verbose=0, return_dict=True)["loss"] == pytest.approx(loss)


def test_a_feature_loss_counts_unless_its_weight_says_otherwise(networks):
    distiller = Distiller(*networks)
    for loss, weight, expected in [(None, None, 0), (AttentionTransfer(), None, 1)]:
        distiller.compile("adam", loss, weight)
        assert distiller.loss_weights["feature_loss"] == expected


def test_predicts_from_batches_that_hold_the_teacher(networks, batch):
    inputs, _ = batch
    distiller = Distiller(*networks)
    distiller.compile("adam")
    with_teacher = {**inputs, "teacher_outputs": {"image": np.zeros((2, 1), np.float32)}}
    expected = networks[1](inputs)
    np.testing.assert_allclose(distiller.predict(with_teacher, verbose=0), expected, atol=1e-6)
