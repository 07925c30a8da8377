"""Joint training equals the released code's losses and gradients; validation is the teacher's."""

import golden
import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import DCCNN, VDSR, InputError, SlicePSNR, StudentFriendlyTeacher


@pytest.fixture(scope="module")
def released(shared):
    """(golden numbers, teacher, student) of the released joint step."""
    numbers = np.load(shared / "golden" / "sft.npz")
    teacher, student = (
        golden.network(numbers, name, f"{role}_")
        for role, name in (("teacher", "D5C5"), ("student", "D3C5"))
    )
    return numbers, teacher, student


def apply_cascades(network, image, inputs, first):
    """Cascades `first` (from 0) to the last, with data consistency in its plain form."""
    for block in network.blocks[first:]:
        update, _ = block(image)
        image = network.data_consistency(image + update, inputs["kspace"], inputs["mask"])
    return image


def expected_losses(teacher, student, inputs, target):
    """By the definition: every branch from the beginning, nothing shared."""
    image = teacher(inputs)
    losses = []
    for branch in range(1, teacher.num_cascades):
        prefix = DCCNN(teacher.num_convs, branch, filters=teacher.filters)
        prefix.set_weights([w for block in teacher.blocks[:branch] for w in block.get_weights()])
        start = prefix(inputs)
        losses.append(apply_cascades(student, start, inputs, branch))
    return {
        "teacher_loss": np.abs(target - image).mean(),
        "branch_loss": np.mean([np.abs(target - b).mean() for b in losses]),
        "imitation_loss": np.mean([np.abs(image - b).mean() for b in losses]),
    }


def test_equals_the_golden_numbers(released):
    numbers, teacher, student = released
    model = StudentFriendlyTeacher(teacher, student)
    image, branches = model.branches(golden.inputs(numbers))
    np.testing.assert_allclose(image[..., 0], numbers["teacher_output"], atol=1e-5)
    for index in range(4):
        expected = numbers[f"branch{index + 1}_output"]
        np.testing.assert_allclose(branches[:, index, ..., 0], expected, atol=1e-5)


def test_one_step_equals_the_golden_losses_and_every_gradient(released):
    numbers, teacher, student = released
    before = teacher.get_weights() + student.get_weights()
    model = StudentFriendlyTeacher(teacher, student)
    model.compile(keras.optimizers.SGD(1.0), imitation_weight=1.0)
    logs = model.train_on_batch(
        golden.inputs(numbers), numbers["target"][..., np.newaxis], return_dict=True
    )
    names = {"teacher": "teacher_loss", "student": "branch_loss", "imitation": "imitation_loss"}
    for term, name in {**names, "total": "loss"}.items():
        assert logs[name] == pytest.approx(float(numbers[f"loss_{term}"]), abs=1e-5)
    gradients = [
        old - new
        for old, new in zip(before, teacher.get_weights() + student.get_weights(), strict=True)
    ]
    teacher.set_weights(before[: len(teacher.weights)])
    student.set_weights(before[len(teacher.weights) :])
    expected = [
        gradient
        for role, count in (("teacher", 5), ("student", 3))
        for cascade in range(1, 6)
        for conv in range(1, count + 1)
        for gradient in (
            numbers[f"grad_{role}_cascade{cascade}_conv{conv}_kernel_OIHW"].transpose(2, 3, 1, 0),
            numbers[f"grad_{role}_cascade{cascade}_conv{conv}_bias"],
        )
    ]
    largest = max(np.abs(gradient).max() for gradient in expected)
    for gradient, golden_gradient in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, golden_gradient, atol=1e-4 * largest)


def test_swapped_networks_do_not_equal_the_golden_numbers(released):
    """That the comparison above would notice."""
    numbers, teacher, student = released
    image, _ = StudentFriendlyTeacher(student, teacher).branches(golden.inputs(numbers))
    assert np.abs(image[..., 0] - numbers["teacher_output"]).max() > 1e-3


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (0.5, 2.0, 3.0), (1.0, 0.0, 0.0)])
def test_losses_are_the_weighted_definition(joint_networks, inputs, images, weights):
    teacher, student = joint_networks
    expected = expected_losses(teacher, student, inputs, images)
    model = StudentFriendlyTeacher(teacher, student)
    model.compile("sgd", *weights)
    logs = model.train_on_batch(inputs, images, return_dict=True)
    for name, value in expected.items():
        assert logs[name] == pytest.approx(value, rel=1e-4)
    total = sum(w * value for w, value in zip(weights, expected.values(), strict=True))
    assert logs["loss"] == pytest.approx(total, rel=1e-4)


def test_both_networks_learn_but_for_the_students_first_cascade(joint_networks, inputs, images):
    teacher, student = joint_networks
    before = teacher.get_weights() + student.get_weights()
    model = StudentFriendlyTeacher(teacher, student)
    model.compile(keras.optimizers.Adam(1e-2))
    history = model.fit(inputs, images, epochs=10, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    moved = [
        (new != old).any()
        for new, old in zip(teacher.get_weights() + student.get_weights(), before, strict=True)
    ]
    first_student = len(teacher.weights)
    assert all(moved[:first_student])
    assert not any(moved[first_student : first_student + 4])
    assert all(moved[first_student + 4 :])


def test_validation_is_that_of_the_teacher_alone(joint_networks, inputs, images):
    teacher, student = joint_networks
    model = StudentFriendlyTeacher(teacher, student)
    model.compile("adam", reconstruction_weight=3.0, metrics=[SlicePSNR()])
    logs = model.evaluate(inputs, images, batch_size=2, return_dict=True, verbose=0)
    image = teacher(inputs)
    loss = float(logs.pop("loss"))
    assert loss == pytest.approx(np.abs(images - image).mean(), rel=1e-5)
    psnr = SlicePSNR()
    psnr.update_state(images, image)
    assert logs.keys() == {psnr.name}
    assert float(logs[psnr.name]) == pytest.approx(float(psnr.result()), rel=1e-5)
    np.testing.assert_allclose(model.predict(inputs, verbose=0), image, atol=1e-5)


def test_mixed_precision_keeps_images_in_float32(inputs, images):
    networks = [DCCNN(d, 2, filters=4, dtype="mixed_bfloat16") for d in (3, 2)]
    model = StudentFriendlyTeacher(*networks)
    model.compile("adam")
    assert {tensor.dtype for tensor in model.branches(inputs)} == {tf.float32}
    logs = model.train_on_batch(inputs, images, return_dict=True)
    assert np.isfinite(list(logs.values())).all()


@pytest.mark.parametrize(
    ("cascades", "message"),
    [
        ((2, 3), "the teacher is a D3C2, the student a D2C3"),
        ((1, 1), "two or more; the teacher is a D3C1"),
    ],
)
def test_cascades_that_do_not_pair(cascades, message):
    with pytest.raises(InputError, match=message):
        StudentFriendlyTeacher(DCCNN(3, cascades[0]), DCCNN(2, cascades[1]))


@pytest.mark.slow
@pytest.mark.parametrize("metrics", [[], [SlicePSNR()]], ids=["plain", "metrics"])
def test_averaged_weights_go_back_to_their_own_places(joint_networks, inputs, images, metrics):
    """Keras writes the averages of `use_ema` back in the order of all variables."""
    first = joint_networks[1].blocks[0].get_weights()
    trained = []
    # With this momentum the averages stay what the first step has made of the weights.
    for epochs, averages in [(1, {}), (2, {"use_ema": True, "ema_momentum": 1.0})]:
        teacher, student = (DCCNN.from_config(network.get_config()) for network in joint_networks)
        for network, original in zip((teacher, student), joint_networks, strict=True):
            network.set_weights(original.get_weights())
        model = StudentFriendlyTeacher(teacher, student)
        model.compile(keras.optimizers.Adam(1e-2, **averages), metrics=metrics)
        model.fit(inputs, images, batch_size=len(images), epochs=epochs, verbose=0)
        trained.append(student.get_weights())
        for weight, original in zip(student.blocks[0].get_weights(), first, strict=True):
            np.testing.assert_array_equal(weight, original)
    for weight, expected in zip(*trained, strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-5)


@pytest.mark.parametrize("role", ["teacher", "student"])
def test_frozen_networks_are_refused(joint_networks, role):
    model = StudentFriendlyTeacher(*joint_networks)
    getattr(model, role).trainable = False
    with pytest.raises(InputError, match=f"The {role} is frozen"):
        model.compile("adam")


@pytest.mark.parametrize("role", ["teacher", "student"])
def test_cascades_frozen_one_by_one_are_refused(joint_networks, role):
    """The student's first cascade is in no branch, so that it alone is nothing to train."""
    model = StudentFriendlyTeacher(*joint_networks)
    for block in getattr(model, role).blocks[role == "student" :]:
        block.trainable = False
    with pytest.raises(InputError, match=f"The {role} is frozen"):
        model.compile("adam")


@pytest.mark.slow
def test_goes_on_after_it_was_saved(joint_networks, inputs, images, tmp_path):
    model = StudentFriendlyTeacher(*joint_networks)
    model.compile("adam", imitation_weight=0.25, stop_imitation_gradient=True)
    keep = keras.callbacks.ModelCheckpoint(tmp_path / "last.keras")
    model.fit(inputs, images, epochs=2, callbacks=[keep], verbose=0)
    loaded = keras.models.load_model(tmp_path / "last.keras")
    assert loaded.loss_weights == model.loss_weights
    assert loaded.stop_imitation_gradient
    for _ in range(2):
        for trained in (model, loaded):
            trained.reset_metrics()  # Keras before 3.13 goes on averaging after fit
        logs, expected = (
            m.train_on_batch(inputs, images, return_dict=True) for m in (loaded, model)
        )
        assert logs.keys() == expected.keys()
        np.testing.assert_allclose([*logs.values()], [*expected.values()], rtol=1e-5)


@pytest.mark.parametrize("cut", [1, slice(1)], ids=["other size", "one line"])
def test_targets_of_another_size_are_refused(joint_networks, inputs, images, cut):
    model = StudentFriendlyTeacher(*joint_networks)
    model.compile("adam")
    target = images[:, cut:] if cut == 1 else images[:, cut]
    for step in (model.train_step, model.test_step):
        with pytest.raises(InputError, match="The teacher must give images shaped like the target"):
            step((inputs, target))


def test_other_models_have_no_branches(joint_networks):
    with pytest.raises(InputError, match="of a DCCNN, but the student is a VDSR"):
        StudentFriendlyTeacher(joint_networks[0], VDSR(3, filters=4))


def test_same_model_twice(joint_networks):
    with pytest.raises(InputError, match="the same model; joint training needs two"):
        StudentFriendlyTeacher(joint_networks[0], joint_networks[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"branch_weight": -1}, "branch_weight must not be negative; got -1"),
        (
            {"reconstruction_weight": 0, "branch_weight": 0, "imitation_weight": 0},
            "All loss weights are 0",
        ),
        ({"stop_imitation_gradient": True}, "concerns the imitation term, whose weight is 0"),
        ({"loss": "mse"}, "A StudentFriendlyTeacher has its own losses; set rec"),
    ],
)
def test_bad_weights(joint_networks, arguments, message):
    with pytest.raises(InputError, match=message):
        StudentFriendlyTeacher(*joint_networks).compile("adam", **arguments)
