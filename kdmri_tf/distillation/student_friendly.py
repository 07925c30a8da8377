"""The student-friendly teacher: a teacher that is trained together with branches of its student."""

from typing import ClassVar

import tensorflow as tf

from kdmri_tf.compute import parallel
from kdmri_tf.distillation.weighted_losses import WeightedTraining, mean_absolute_error
from kdmri_tf.errors import InputError


class StudentFriendlyTeacher(WeightedTraining):
    """Trains `teacher` jointly with student branches that begin inside it::

        x_Ti = teacher cascades 1 .. i                         (x_T = x_Tn, n cascades)
        x_Si = student cascades i + 1 .. n, applied to x_Ti    i = 1 .. n - 1
        loss = reconstruction_weight * mean |x - x_T|
             + branch_weight         * mean over i of mean |x - x_Si|
             + imitation_weight      * mean over i of mean |x_T - x_Si|

    x is the target. The branches share the student's weights and the teacher's first cascades,
    which are computed once; no gradient is stopped. The student's first cascade is in no branch and
    keeps its initial weights. Afterwards the teacher is a `DCCNN` like any other and the student,
    but for its first cascade, a good start for distilling from it.

    Takes the batches that a `DCCNN` is fitted on: `({"kspace", "mask"}, image)`. Training reports
    `loss`, `teacher_loss`, `branch_loss` and `imitation_loss`, the plain means above. The teacher
    is used alone elsewhere: validation reports mean |x - x_T| as `loss`, metrics are those of x_T,
    and `model(inputs)` is x_T. Save `teacher` and `student`, not this model.

    Args:
        teacher: `DCCNN` to train.
        student: `DCCNN` with as many cascades.

    Raises:
        InputError: one model twice, other numbers of cascades, or a single cascade.

    Source: SFT-KD-Recon (2023), section 2.2, equations 1 to 4. (The released code divides the
    imitation by the number of elements once more, which switches it off.)
    """

    LOSSES: ClassVar = {
        "reconstruction_weight": "teacher_loss",
        "branch_weight": "branch_loss",
        "imitation_weight": "imitation_loss",
    }
    TRAINED = ("teacher", "student")
    ALWAYS_REPORTED = tuple(LOSSES.values())

    def __init__(self, teacher, student, **kwargs):
        super().__init__(**kwargs)
        if teacher is student:
            raise InputError("teacher and student are the same model; joint training needs two.")
        if len(teacher.blocks) != len(student.blocks) or len(teacher.blocks) < 2:
            raise InputError(
                f"Student branches need as many cascades in teacher and student, two or more; the "
                f"teacher is a {teacher.architecture}, the student a {student.architecture}."
            )
        self.teacher = teacher
        self.student = student

    def compile(
        self,
        optimizer="adam",
        reconstruction_weight=1.0,
        branch_weight=1.0,
        imitation_weight=1.0,
        **kwargs,
    ):
        """Sets optimizer and weights; other arguments go to `keras.Model.compile`.

        Raises:
            InputError: a weight is negative, all are 0, `loss` or `loss_weights` are given, or
                teacher or student is frozen.
        """
        weights = {
            "reconstruction_weight": reconstruction_weight,
            "branch_weight": branch_weight,
            "imitation_weight": imitation_weight,
        }
        super().compile(optimizer, weights, **kwargs)

    def call(self, inputs, training=False):
        return self.teacher(inputs, training=training)

    def branches(self, inputs):
        """The images of teacher and branches.

        Args:
            inputs: as a `DCCNN` takes them.

        Returns:
            (x_T `(batch, H, W, 1)`, all x_Si `(batch, n - 1, H, W, 1)`).
        """
        return parallel.by_parts(self._reconstruct, *self.teacher.check_inputs(inputs))

    def _reconstruct(self, kspace, mask):
        image, measured = self.teacher.begin(kspace, mask)
        _, student_measured = self.student.begin(kspace, mask)
        branches = []
        for index in range(len(self.teacher.blocks)):
            branches = self._advance(self.student.blocks[index], branches, student_measured)
            image, _ = self.teacher.cascade(self.teacher.blocks[index], image, measured)
            branches.append(image)
        return image, tf.stack(branches[:-1], axis=1)

    def _advance(self, block, branches, measured):
        """One cascade of the student on every branch; convolved together, which is faster."""
        if not branches:
            return []
        images, _ = self.student.convolve(block, tf.concat(branches, axis=0))
        consistency = self.student.data_consistency
        return [consistency.correct(x, measured) for x in tf.split(images, len(branches))]

    @property
    def trained_variables(self):
        """All but those of the student's first cascade."""
        in_branches = [v for block in self.student.blocks[1:] for v in block.trainable_variables]
        return self.teacher.trainable_variables + in_branches

    def compute_losses(self, inputs, target, training):
        image, branches = self.branches(inputs)
        return image, {
            "teacher_loss": mean_absolute_error(target, image),
            "branch_loss": mean_absolute_error(target[:, tf.newaxis], branches),
            "imitation_loss": mean_absolute_error(image[:, tf.newaxis], branches),
        }

    def test_step(self, data):
        inputs, target = self.unpack(data)
        image = self.teacher(inputs, training=False)
        logs = self.report({"loss": mean_absolute_error(target, image)}, inputs, target, image)
        return {name: value for name, value in logs.items() if name not in self.ALWAYS_REPORTED}
