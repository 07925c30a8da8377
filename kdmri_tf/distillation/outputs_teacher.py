"""Whose outputs batches hold: a digest of the teacher's weights in their structure."""

from typing import Any

import keras

from kdmri_tf.errors import InputError
from kdmri_tf.networks.saved import weights_digest


def with_teacher(outputs: dict[str, Any], digest: str) -> dict[str, Any]:
    """Returns the outputs of a teacher with "teacher", which says whose they are.

    That is `{digest: ()}`, no tensor but a part of the structure: it costs no step anything, goes
    through all that a data set or a strategy does with batches, and is known before any is made.

    Args:
        outputs: name -> tensors.
        digest: of the teacher's weights.
    """
    return {**outputs, "teacher": {digest: ()}}


def check_teacher(teacher: keras.Model, *batches: Any) -> None:
    """Refuses batches with the outputs of another teacher.

    Weights are compared, of any kind of model; nothing is where batches do not say whose outputs
    they hold, as those that one has made by hand.

    Args:
        teacher: of the `Distiller`.
        batches: data sets or `(inputs, image)`, or inputs alone; anything else passes.

    Raises:
        InputError: other weights gave these outputs.
    """
    digests = {digest for some in batches for digest in _teachers(some)}
    if not digests:
        return
    own = weights_digest(teacher)
    for digest in digests - {own}:
        raise InputError(
            f"These batches hold the outputs of another teacher (weights {digest[:8]}) than this "
            f"Distiller has ({own[:8]}), or of this one before its weights changed: call "
            "cache_teacher with this teacher again."
        )


def _teachers(batches: Any) -> list[str]:
    """Returns the digests that batches, or their specification, have in their structure."""
    structure = getattr(batches, "element_spec", batches)
    inputs = structure[0] if isinstance(structure, tuple) and structure else structure
    outputs = inputs.get("teacher_outputs") if isinstance(inputs, dict) else None
    return list(outputs.get("teacher", ())) if isinstance(outputs, dict) else []
