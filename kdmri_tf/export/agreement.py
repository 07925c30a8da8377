"""Measures how closely an exported network agrees with the one it was made from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.slice_psnr import SlicePSNR
from kdmri_tf.export.check_samples import Samples, pair_of
from kdmri_tf.inference.reconstructor import Reconstructor

TOLERANCE = 1e-5  # of a float32 export, at image values in [0, 1]
BATCH_SIZE = 4


@dataclass(frozen=True)
class Agreement:
    """Says how closely an exported network agrees with the one it was made from.

    Attributes:
        difference: largest absolute difference between their images.
        loss: `SlicePSNR` [dB] of the network less that of the export.
        samples: what was compared, in words.
    """

    difference: float
    loss: float
    samples: str


@contextmanager
def refusing(format: str) -> Iterator[None]:
    """Says of an export that cannot be opened or run, whatever is wrong, that it was not kept."""
    try:
        yield
    except InputError as error:
        raise InputError(
            f"The {format} export cannot be used and was not kept: {error} Please report this."
        ) from error


def measure_agreement(network: keras.Model, exported: Reconstructor, samples: Samples) -> Agreement:
    """Runs a network and its export on the same slices and compares their images.

    Args:
        network: computes in float32.
        exported: what was made from it.
        samples: to compare on.

    Raises:
        InputError: the network's images are not finite, or the export fails, or returns others than
            finite ones of the same shape.
    """
    difference, ours, theirs = 0.0, SlicePSNR(), SlicePSNR()
    # On recent GPUs TensorFloat-32 would round both, each in its own way.
    was_enabled = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        for start in range(0, len(samples.images), BATCH_SIZE):
            slices = samples.images[start : start + BATCH_SIZE]
            inputs, target = pair_of(samples.degradation, slices, (start, 0))
            expected = np.asarray(network(inputs, training=False))
            if not np.isfinite(expected).all():
                raise InputError(
                    f"The network returns NaN or infinity on {samples.origin}: its weights are "
                    "damaged, and it was not exported."
                )
            with refusing(exported.format):
                image = exported(*(inputs[name] for name in exported.input_names))
            difference = max(difference, float(np.abs(image - expected).max()))
            ours.update_state(target, expected)
            theirs.update_state(target, image)
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(was_enabled)
    return Agreement(difference, float(ours.result() - theirs.result()), samples.origin)


def refuse_inaccurate(
    agreement: Agreement, name: str, quantize: str | None, largest_loss: float
) -> None:
    """Refuses an export that does not compute what its network does.

    Args:
        agreement: that was measured.
        name: of the export, for the error message.
        quantize: its reduction, or None for float32.
        largest_loss: PSNR [dB] that a reduction may cost.

    Raises:
        InputError: it differs by more than 1e-5 (float32) or loses more than `largest_loss`.
    """
    if quantize is None and agreement.difference > TOLERANCE:
        raise InputError(
            f"The export to {name} differs from the network by {agreement.difference:.1e} on "
            f"{agreement.samples}, more than {TOLERANCE:.0e}; it was not kept."
        )
    if quantize is not None and agreement.loss > largest_loss:
        raise InputError(
            f"In {quantize}, {name} loses {agreement.loss:.3f} dB on {agreement.samples}, more "
            f"than {largest_loss} dB; it was not kept. Allow more (--largest-loss; in code "
            "largest_loss), or leave out --quantize (in code quantize)."
        )
