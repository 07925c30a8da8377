"""Export in every format under one contract: the network's named float32 inputs in, `image` out."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from kdmri_tf.errors import InputError
from kdmri_tf.export.check_samples import samples_of
from kdmri_tf.export.formats import FORMATS, check_request
from kdmri_tf.export.litert import write_litert
from kdmri_tf.export.onnx import write_onnx
from kdmri_tf.export.openvino import write_openvino
from kdmri_tf.export.saved_model import write_saved_model
from kdmri_tf.inference.reconstructor import Reconstructor
from kdmri_tf.networks import inference_form
from kdmri_tf.physics import masks
from kdmri_tf.physics.degradation import LowResolution

TOLERANCE = 1e-5  # of a float32 export, at image values in [0, 1]
LARGEST_LOSS = 0.05  # of PSNR [dB] in reduced precision
BATCH_SIZE = 4

WRITERS = {
    "saved_model": write_saved_model,
    "litert": write_litert,
    "onnx": write_onnx,
    "openvino": write_openvino,
}


@dataclass(frozen=True)
class Agreement:
    """How closely an exported network agrees with the one it was made of.

    Attributes:
        difference: largest absolute difference of their images.
        loss: mean PSNR [dB] over slices that is lost, against the fully sampled images.
        samples: what was compared, in words.
    """

    difference: float
    loss: float
    samples: str


def export_network(
    network,
    path,
    format="saved_model",
    quantize=None,
    *,
    samples=None,
    image_size=None,
    phase_encode_axis=None,
    metadata=None,
    largest_loss=LARGEST_LOSS,
):
    """Exports a network and refuses an export that does not compute what the network does.

    Every format takes the network's inputs by their names, float32, and gives `image`, float32
    `(batch, H, W, 1)`; shapes, units and FFT convention are those of the network. `Reconstructor`
    runs them all.

    - "saved_model": a folder, for TensorFlow alone; any mask; batch, height and width are free.
    - "litert": a `.tflite` file for the plain interpreter; the batch is free, height and width
      are those of the samples.
    - "onnx": an `.onnx` file for ONNX Runtime; batch, height and width are free.
    - "openvino": a folder for OpenVINO; batch, height and width are free.

    Only the first has an FFT: a `DCCNN` in the others takes masks of whole lines along the phase
    encode axis of the samples, and gives NaN for others.

    Args:
        network: a `DCCNN` or `VDSR`; exported in float32, whatever precision it was trained in.
        path: to write; an earlier export there is overwritten.
        format: key of `FORMATS`.
        quantize: None for float32; "bfloat16" (SavedModel and OpenVINO: convolutions computed in
            it), "float16" (weights kept in it), "int8" (weights and activations of convolutions).
        samples: `Samples` to calibrate and check on; None for synthetic brains.
        image_size: (H, W) of the latter, which "litert" has for good.
        phase_encode_axis: of a mask for the latter, which all but "saved_model" have for good: 0
            where it has whole rows, 1 where it has whole columns.
        metadata: facts that travel with the network beside its architecture, as JSON values.
        largest_loss: of PSNR [dB] that a reduced precision may cost.

    Returns:
        `Agreement` between network and export.

    Raises:
        InputError: an unknown format or reduction, no samples and no layout where the format has
            one for good, a package that is not installed, a path that is in use, a mask without
            whole lines where they are needed, no room, or an export that differs by more than 1e-5
            (float32) or loses more than `largest_loss`. None is kept then.
    """
    check_request(path, format, quantize)
    path, kind = Path(path).absolute(), FORMATS[format]
    if samples is None:
        check_layout(format, network, image_size, phase_encode_axis)
        samples = samples_of({}, network, image_size or (95, 80), phase_encode_axis)
    form, axis = "auto", None
    if _needs_lines(kind, network):
        axis = masks.phase_encode_axis(samples.degradation.sampled(samples.image_size))
        if axis is None:
            raise InputError(
                f"A {format} export takes masks of whole lines, but {samples.degradation.origin} "
                "is none; export a SavedModel, which takes any mask."
            )
        form = ("rows", "columns")[axis]
    in_bfloat16 = (format, quantize) == ("saved_model", "bfloat16")
    precision = "mixed_bfloat16" if in_bfloat16 else "float32"
    copy = inference_form.inference_copy(network, precision, form)
    metadata = {
        **network.facts,
        **(metadata or {}),
        "format": format,
        "quantize": quantize,
        "inputs": list(network.input_specification),
        "output": "image",
        "exported_image_size": list(samples.image_size) if kind.needs_size else None,
        "exported_phase_encode_axis": axis,
    }
    partial = path.with_name(f"{path.stem if kind.suffix else path.name}.partial{kind.suffix}")
    _remove(partial)
    try:
        more = ()
        if format != "saved_model":  # whose reduction is in the network
            slices = samples.calibration if quantize == "int8" else ()
            more = quantize, _inputs(samples.degradation, slices)
        _write(WRITERS[format], copy, partial, metadata, *more)
        exact = (
            network
            if network.compute_dtype == "float32"
            else inference_form.inference_copy(network)
        )
        agreement = _compare(exact, Reconstructor(partial), samples)
        _judge(agreement, path, quantize, largest_loss)
        _remove(path)
        partial.replace(path)
    finally:
        _remove(partial)
    return agreement


def _write(writer, network, path, *arguments):
    """Calls the writer of a format; what keeps the file system from it is an InputError."""
    try:
        writer(network, path, *arguments)
    except (OSError, tf.errors.OpError) as error:
        is_full = "No space left" in str(error)
        reason = "no space left on device" if is_full else " ".join(str(error).split())
        raise InputError(
            f"{path.parent} cannot be written to ({reason}): make room or give another path."
        ) from error


def check_layout(format, network, image_size, phase_encode_axis):
    """Refuses to guess what a format has for good.

    Raises:
        InputError: the image size or the axis is None, and the format needs it.
    """
    if FORMATS[format].needs_size and image_size is None:
        raise InputError(
            f"A {format} export has one image size for good: give it (--image-size H W; in code "
            "image_size=(H, W))."
        )
    if _needs_lines(FORMATS[format], network) and phase_encode_axis is None:
        raise InputError(
            f"A {format} export takes masks of whole lines along one axis: give it "
            "(--phase-encode-axis; in code phase_encode_axis), 0 where masks have whole rows, 1 "
            "where they have whole columns, or export a SavedModel, which takes any mask."
        )


def _needs_lines(kind, network):
    return kind.needs_lines and network.degradation is not LowResolution


def _inputs(degradation, images):
    """The inputs of each slice, as a batch of one."""
    return [
        {name: np.asarray(value) for name, value in degradation.apply(image[np.newaxis]).items()}
        for image in images
    ]


def _compare(network, exported, samples):
    difference, errors = 0.0, []
    # On recent GPUs TensorFloat-32 would round both, each in its own way.
    was_enabled = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        for start in range(0, len(samples.images), BATCH_SIZE):
            target = samples.images[start : start + BATCH_SIZE]
            inputs = {k: np.asarray(v) for k, v in samples.degradation.apply(target).items()}
            expected = np.asarray(network(inputs, training=False))
            image = exported(*inputs.values())
            if image.shape != expected.shape:
                raise InputError(
                    f"The {exported.format} export gives images of shape {image.shape} where the "
                    f"network's are {expected.shape}; it was not kept. Please report this."
                )
            difference = np.maximum(difference, np.abs(image - expected).max())  # keeps NaN
            squares = [((target - x) ** 2).mean((1, 2, 3)) for x in (expected, image)]
            errors.append(np.stack(squares))
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(was_enabled)
    ours, theirs = -10 * np.log10(np.concatenate(errors, axis=1) + 1e-12)
    return Agreement(float(difference), float((ours - theirs).mean()), samples.origin)


def _judge(agreement, path, quantize, largest_loss):
    if quantize is None and not agreement.difference <= TOLERANCE:
        raise InputError(
            f"The export to {path} differs from the network by {agreement.difference:.1e} on "
            f"{agreement.samples}, more than {TOLERANCE:.0e}; it was not kept."
        )
    if quantize is not None and not agreement.loss <= largest_loss:
        raise InputError(
            f"In {quantize} {path} loses {agreement.loss:.3f} dB on {agreement.samples}, more than "
            f"{largest_loss} dB; it was not kept. Allow more (--largest-loss) or leave --quantize "
            "out."
        )


def _remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
