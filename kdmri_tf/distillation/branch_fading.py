"""Branches of a student-friendly teacher that fade out, so that the teacher ends by itself."""

from typing import Any

import keras

from kdmri_tf.distillation.student_friendly import StudentFriendlyTeacher
from kdmri_tf.errors import InputError


class BranchFading(keras.callbacks.Callback):
    """Lets the branches of a `StudentFriendlyTeacher` fade out in the second half of training.

    Before epoch e = 0 .. E - 1 their share is set to `min(1, 2 (E - 1 - e) / E)`: 1 in the first
    half, then linearly down to 0 in the last epoch. The weights of the branch and the imitation
    loss are multiplied by it. It follows from the number of the epoch alone, so that a resumed
    training equals an uninterrupted one. At the end of `fit` it is 1 again.

    Args:
        epochs: E, the `epochs` of `fit`.

    Raises:
        InputError: fewer than 2 epochs, which have no second half; when training begins: a model
            without branches, or another number of epochs.

    Example:
        >>> from kdmri_tf import DCCNN, BranchFading, StudentFriendlyTeacher
        >>> model = StudentFriendlyTeacher(DCCNN(3, 2, filters=4), DCCNN(2, 2, filters=4))
        >>> fading = BranchFading(epochs=4)  # then model.fit(..., epochs=4, callbacks=[fading])
        >>> fading.set_model(model)
        >>> for epoch in range(4):
        ...     fading.on_epoch_begin(epoch)
        ...     print(float(model.branch_share))
        1.0
        1.0
        0.5
        0.0
    """

    def __init__(self, epochs: int) -> None:
        super().__init__()
        if epochs < 2:
            raise InputError(
                "Branches fade out over the second half of the epochs, so there must be at least "
                f"2; got {epochs}."
            )
        self.epochs = epochs

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Checks that the model has branches and is fitted for as many epochs."""
        if not isinstance(self.model, StudentFriendlyTeacher):
            raise InputError(
                f"A {type(self.model).__name__} has no branches to fade out; fit a "
                "StudentFriendlyTeacher."
            )
        if self.params["epochs"] != self.epochs:
            raise InputError(
                f"BranchFading expects {self.epochs} epochs, but fit runs {self.params['epochs']}; "
                "give both the same number."
            )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Sets the share of the epoch."""
        self.model.branch_share.assign(min(1.0, 2 * (self.epochs - 1 - epoch) / self.epochs))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Sets the share back to 1."""
        self.model.branch_share.assign(1.0)
