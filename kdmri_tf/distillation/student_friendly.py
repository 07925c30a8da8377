"""The student-friendly teacher: a teacher that is trained together with branches of its student."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from kdmri_tf.compute import parallel
from kdmri_tf.compute.fan_out import fan_out
from kdmri_tf.distillation.friendly_settings import FriendlySettings
from kdmri_tf.distillation.gradient_cancellation import cancelled_share
from kdmri_tf.distillation.image_check import like_target
from kdmri_tf.distillation.weighted_losses import WeightedTraining, mean_absolute_error
from kdmri_tf.errors import InputError
from kdmri_tf.networks.cascade_state import CascadeState
from kdmri_tf.networks.consistency_forms import Measurement
from kdmri_tf.networks.dccnn import DCCNN


@keras.saving.register_keras_serializable(package="kdmri_tf")
class StudentFriendlyTeacher(WeightedTraining):
    """Trains `teacher` jointly with student branches that begin inside it::

        x_Ti = teacher cascades 1 .. i                         (x_T = x_Tn, n cascades)
        x_Si = student cascades i + 1 .. n, applied to x_Ti    i = 1 .. n - 1
        loss = reconstruction_weight * mean |x - x_T|
             + branch_weight         * mean over i of mean |x - x_Si|
             + imitation_weight      * mean over i of mean |x_T - x_Si|

    x is the target. The branches share the student's weights and the teacher's first cascades,
    which are computed once. By default the last term is left out: with the paper's weight of 1 it
    takes from the teacher much of what the target teaches it. No gradient is stopped, unless x_T of
    that term is asked to be a constant. The student's first cascade is in no branch and keeps its
    initial weights. Afterwards the teacher is a `DCCNN` like any other and the student, but for its
    first cascade, a good start for distilling from it.

    Takes the batches that a `DCCNN` is fitted on: `({"kspace", "mask"}, image)`. Training reports
    `loss`, `teacher_loss`, `branch_loss` and `imitation_loss`, the plain means above, and
    `cancelled_share`, the share of pixels of x_T that learn nothing from the target, see
    `gradient_cancellation`. Elsewhere the teacher is used alone: validation reports mean |x - x_T|
    as `loss`, metrics are those of x_T, and `model(inputs)` is x_T. Regularizers of weights, of
    those that are trained or validated, join `loss` and are reported as `regularization_loss`.

    Save `teacher` to reconstruct with it or to distil from it, and `student` to start that student.
    This model can be saved, too, as `keras.callbacks.ModelCheckpoint` does, with both networks,
    weights of the losses and optimizer, to go on training after `kdmri_tf.load_model`.

    Args:
        teacher: `DCCNN` to train.
        student: `DCCNN` with as many cascades.

    Attributes:
        branch_share: scalar that the weights of branch and imitation loss are multiplied by, 1
            unless `BranchFading` sets it.
        stop_imitation_gradient: whether x_T is a constant in the last term; set by `compile`.

    Raises:
        InputError: one model twice, another model than a `DCCNN`, other numbers of cascades, or a
            single cascade.

    Example:
        >>> import numpy as np
        >>> from kdmri_tf import DCCNN, StudentFriendlyTeacher
        >>> teacher, student = DCCNN(3, 2, filters=4), DCCNN(2, 2, filters=4)
        >>> model = StudentFriendlyTeacher(teacher, student)
        >>> model.compile("adam")  # then fit, as any Keras model
        >>> inputs = {"kspace": np.ones((4, 16, 16, 2)), "mask": np.ones((4, 16, 16))}
        >>> image, branches = model.branches(inputs)
        >>> tuple(image.shape), tuple(branches.shape)
        ((4, 16, 16, 1), (4, 1, 16, 16, 1))

    Source: SFT-KD-Recon (2023), section 2.2, equations 1 to 4. (The released code divides the
    imitation by the number of elements once more, which switches it off.)
    """

    LOSSES: ClassVar = {
        "reconstruction_weight": "teacher_loss",
        "branch_weight": "branch_loss",
        "imitation_weight": "imitation_loss",
    }
    TRAINED: ClassVar = ("teacher", "student")
    ALWAYS_REPORTED: ClassVar = tuple(LOSSES.values())
    MONITORED: ClassVar = ("cancelled_share",)
    NETWORKS: ClassVar = ("teacher", "student")
    FADING: ClassVar = ("branch_loss", "imitation_loss")

    def __init__(self, teacher: DCCNN, student: DCCNN, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if teacher is student:
            raise InputError("teacher and student are the same model; joint training needs two.")
        for name, network in (("teacher", teacher), ("student", student)):
            if not isinstance(network, DCCNN):
                raise InputError(
                    f"Branches begin between the cascades of a DCCNN, but the {name} is a "
                    f"{type(network).__name__}; train it alone, then distil from it."
                )
        cascades = [len(network.feature_factors) for network in (teacher, student)]
        if cascades[0] != cascades[1] or cascades[0] < 2:
            raise InputError(
                "Teacher and student need the same number of cascades, two or more; the teacher is "
                f"a {teacher.architecture}, the student a {student.architecture}."
            )
        if teacher.complex_images != student.complex_images:
            raise InputError(
                "Teacher and student must reconstruct the same kind of images, but only one of "
                "them has complex_images=True."
            )
        self.teacher = teacher
        self.student = student
        # Not a Keras variable: it belongs to no state, as it follows from the epoch.
        self.branch_share = tf.Variable(1.0, trainable=False, name="branch_share")
        self.stop_imitation_gradient = False

    def compile(
        self,
        optimizer: keras.optimizers.Optimizer | str = "adam",
        reconstruction_weight: float = FriendlySettings.reconstruction_weight,
        branch_weight: float = FriendlySettings.branch_weight,
        imitation_weight: float = FriendlySettings.imitation_weight,
        stop_imitation_gradient: bool = FriendlySettings.stop_imitation_gradient,
        **kwargs: Any,
    ) -> None:
        """Sets optimizer and weights.

        Args:
            optimizer: as `keras.Model.compile` takes it.
            reconstruction_weight: weight of mean |x - x_T|.
            branch_weight: weight of mean |x - x_Si|.
            imitation_weight: weight of mean |x_T - x_Si|; 1 in the paper.
            stop_imitation_gradient: makes x_T a constant in that term, which then moves only the
                branches: the student's cascades, and those of the teacher before a branch begins.
            kwargs: other arguments of `keras.Model.compile`.

        Raises:
            InputError: a weight is negative, all are 0, a gradient is stopped that has no weight,
                `loss` or `loss_weights` are given, or teacher or student is frozen.
        """
        weights: dict[str, Any] = {
            "reconstruction_weight": reconstruction_weight,
            "branch_weight": branch_weight,
            "imitation_weight": imitation_weight,
        }
        stopped = {"stop_imitation_gradient": bool(stop_imitation_gradient)}
        FriendlySettings(**weights, **stopped)  # which refuses what has no effect
        self.compile_weighted(optimizer, weights, **kwargs)
        self.stop_imitation_gradient = stopped["stop_imitation_gradient"]
        self.compiled_with |= stopped

    def call(self, inputs: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Returns x_T, float32 `(batch, H, W, C)`."""
        return self.teacher(inputs, training=training)

    def branches(self, inputs: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes the images of teacher and branches.

        Args:
            inputs: as a `DCCNN` takes them.

        Returns:
            (x_T `(batch, H, W, C)`, all x_Si `(batch, n - 1, H, W, C)`), C the channels of images.
        """
        tensors, variables = self.teacher.check_inputs(inputs), self.trainable_variables
        return parallel.by_parts(self._reconstruct, *tensors, variables=variables)

    def _reconstruct(self, *tensors: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        state, measured = self.teacher.begin(*tensors)
        first, student_measured = self.student.begin(*tensors)
        branches: list[CascadeState] = []
        for index in range(len(self.teacher.feature_factors)):
            branches = self._advance(index, branches, student_measured)
            state, _ = self.teacher.cascade(index, state, measured)
            # The next cascade uses it twice, and the branch that begins here.
            image, branch = fan_out(state.image, 2)
            state = state._replace(image=image)
            branches.append(first._replace(image=branch))
        return state.image, tf.stack([branch.image for branch in branches[:-1]], axis=1)

    def _advance(
        self, index: int, branches: list[CascadeState], measured: Measurement
    ) -> list[CascadeState]:
        """Computes one cascade of the student on every branch; convolved together, for speed."""
        if not branches:
            return []
        together, _ = self.student.convolve(index, _joined(branches))
        return [
            branch._replace(image=self.student.correct(index, branch.image, measured))
            for branch in _parted(together, len(branches))
        ]

    def variables_of(self, name: str) -> list[keras.Variable]:
        """Returns all of the teacher's, and the student's but for those of its first cascade."""
        if name == "teacher" or not self.student.trainable:
            return super().variables_of(name)
        used: list[keras.layers.Layer] = self.student.blocks[0 if self.student.shared else 1 :]
        used = used + self.student.consistency_weights[1:]
        return [variable for layer in used for variable in layer.trainable_variables]

    def added_losses(self) -> list[tf.Tensor]:
        """Returns the regularizers of the weights that a step moves.

        Branches run cascades without calling the networks, so what Keras holds of activations and
        of `add_loss` then is of another call.
        """
        return _regularizers(self.trained_variables)

    @property
    def current_weights(self) -> dict[str, float | tf.Tensor]:
        """`loss_weights`, those of the branches multiplied by their share."""
        fading = {name: self.loss_weights[name] * self.branch_share for name in self.FADING}
        return {**self.loss_weights, **fading}

    def compute_losses(
        self, inputs: dict[str, Any], target: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Returns x_T, the losses and the cancelled share; see `WeightedTraining`."""
        image, branches = self.branches(inputs)
        image = like_target(image, target, "teacher")
        imitated = tf.stop_gradient(image) if self.stop_imitation_gradient else image
        return image, {
            "teacher_loss": mean_absolute_error(target, image),
            "branch_loss": mean_absolute_error(target[:, tf.newaxis], branches),
            "imitation_loss": mean_absolute_error(imitated[:, tf.newaxis], branches),
            "cancelled_share": self._cancelled_share(target, image, branches),
        }

    def _cancelled_share(
        self, target: tf.Tensor, image: tf.Tensor, branches: tf.Tensor
    ) -> tf.Tensor:
        if self.stop_imitation_gradient or not self.loss_weights["imitation_loss"]:
            return tf.zeros(())
        weights = self.current_weights
        return cancelled_share(
            target, image, branches, weights["teacher_loss"], weights["imitation_loss"]
        )

    def test_step(self, data: tuple) -> dict[str, tf.Tensor]:
        """Evaluates the teacher alone: `loss` is mean |x - x_T|."""
        inputs, target, weight = self.unpack(data)
        image = like_target(self.teacher(inputs, training=False), target, "teacher")
        losses = {"loss": mean_absolute_error(target, image)}
        losses = self.with_added(losses, _regularizers(self.variables_of("teacher")))
        logs = self.report(losses, inputs, target, image, weight)
        training_only = (*self.ALWAYS_REPORTED, *self.MONITORED)
        return {name: value for name, value in logs.items() if name not in training_only}


def _regularizers(variables: Sequence[keras.Variable]) -> list[tf.Tensor]:
    """Computes what the variables' regularizers add to a loss."""
    return [v.regularizer(v) for v in variables if v.regularizer is not None]


def _joined(branches: Sequence[CascadeState]) -> CascadeState:
    """Puts branches side by side along the batch; a branch that begins has an empty memory."""
    image = tf.concat([branch.image for branch in branches], axis=0)
    given = [branch.memory for branch in branches]
    known = next((memory for memory in given if memory is not None), None)
    if known is None:
        return branches[0]._replace(image=image)
    memory = tf.concat([tf.zeros_like(known) if m is None else m for m in given], axis=0)
    return branches[0]._replace(image=image, memory=memory)


def _parted(state: CascadeState, count: int) -> list[CascadeState]:
    """Undoes `_joined`."""
    images = tf.split(state.image, count)
    memories = [None] * count if state.memory is None else tf.split(state.memory, count)
    return [
        state._replace(image=image, memory=memory)
        for image, memory in zip(images, memories, strict=True)
    ]
