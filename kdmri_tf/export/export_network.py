"""Exports in every format under one contract: named float32 inputs in, `image` out."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from kdmri_tf.errors import InputError, in_one_line
from kdmri_tf.export.agreement import (
    Agreement,
    measure_agreement,
    refuse_inaccurate,
    refusing,
)
from kdmri_tf.export.check_samples import CALIBRATION, Samples, inputs_of, samples_of
from kdmri_tf.export.formats import FORMATS, check_request
from kdmri_tf.export.layout import check_layout, fixed_axis, fixed_coils
from kdmri_tf.export.litert import write_litert
from kdmri_tf.export.onnx import write_onnx
from kdmri_tf.export.openvino import write_openvino
from kdmri_tf.export.saved_model import write_saved_model
from kdmri_tf.files import NO_ROOM_IN_WORDS, is_full_disk, replacing
from kdmri_tf.inference.reconstructor import Reconstructor
from kdmri_tf.networks import inference_form
from kdmri_tf.networks.network import Network

LARGEST_LOSS = 0.05  # of PSNR [dB] in reduced precision
SMALLEST_EXPORT = 2**14  # bytes
USUAL_SIZE = (95, 80)  # of slices to check on, where the format does not fix one

WRITERS: dict[str, Callable[..., None]] = {
    "saved_model": write_saved_model,
    "litert": write_litert,
    "onnx": write_onnx,
    "openvino": write_openvino,
}


def export_network(
    network: Network,
    path: Path | str,
    format: str = "saved_model",
    quantize: str | None = None,
    *,
    samples: Samples | None = None,
    image_size: Sequence[int] | None = None,
    phase_encode_axis: int | None = None,
    coils: int | None = None,
    estimates_sensitivities: bool = False,
    metadata: Mapping[str, Any] | None = None,
    largest_loss: float = LARGEST_LOSS,
) -> Agreement:
    """Exports a network, and refuses an export that does not compute what the network does.

    Every format takes the network's inputs by their names, float32, and returns `image`, float32
    `(batch, H, W, C)`; shapes, units and FFT convention are those of the network. `Reconstructor`
    runs them all. The export of a network of complex images takes k-space with any number of coils
    and their `sensitivities`; where the samples have one coil, of one coil alone.

    - "saved_model": a folder, for TensorFlow alone; any mask; batch, height and width are free.
    - "litert": a `.tflite` file for the plain interpreter; the batch is free, height and width
      (and coils) are those of the samples.
    - "onnx": an `.onnx` file for ONNX Runtime; batch, height and width are free.
    - "openvino": a folder for OpenVINO; batch, height and width are free.

    Only the first has an FFT: a `DCCNN` in the others takes masks of whole lines along the phase
    encode axis of the samples, and returns NaN for others.

    Args:
        network: exported in float32, whatever precision it was trained in.
        path: to write; an earlier export there is replaced at one stroke.
        format: key of `FORMATS`.
        quantize: None for float32; "bfloat16" (SavedModel and OpenVINO: convolutions computed in
            it), "float16" (weights stored in it), "int8" (weights and activations of convolutions).
        samples: slices to calibrate and check on; None for synthetic brains.
        image_size: (H, W) of the synthetic slices, which "litert" fixes.
        phase_encode_axis: of a mask for the synthetic slices, which all but "saved_model" fix: 0
            if it has whole rows, 1 if it has whole columns.
        coils: of the synthetic slices for a network of complex images; None for 8.
        estimates_sensitivities: makes the export compute those of the coils from the measured
            centre of k-space, as `low_resolution_sensitivities` does, instead of taking them.
        metadata: facts that travel with the network beside its architecture, as JSON values.
        largest_loss: PSNR [dB] that a reduced precision may cost.

    Returns:
        How closely the export agrees with the network.

    Raises:
        InputError: an unknown format or reduction, no samples and no layout where the format fixes
            one, a package that is not installed, a path that is in use, a mask without whole lines
            where they are needed, no room on the disk, or an export that differs by more than 1e-5
            (float32) or loses more than `largest_loss`. It is not kept then.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import kdmri_tf
        >>> network = kdmri_tf.DCCNN(num_convs=2, num_cascades=1, filters=4)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "student")
        ...     agreement = kdmri_tf.export_network(network, path, image_size=(32, 32))
        >>> agreement.difference < 1e-5
        True
        >>> agreement.samples
        '8 synthetic brain slices'
    """
    check_request(path, format, quantize)
    path = Path(path).absolute()
    if samples is None:
        check_layout(format, network, image_size, phase_encode_axis)
        layout = image_size or USUAL_SIZE, phase_encode_axis
        samples = samples_of({}, network, *layout, coils=coils)
    axis = fixed_axis(format, network, samples)
    inputs = list(samples.degradation.input_specification)
    if estimates_sensitivities:
        if "sensitivities" not in inputs:
            raise InputError(
                "There are no sensitivities to estimate: the export is not for complex images; "
                "leave --estimate-sensitivities out (in code estimates_sensitivities)."
            )
        inputs.remove("sensitivities")
    facts = {
        **network.facts,
        **(metadata or {}),
        "format": format,
        "quantize": quantize,
        "inputs": inputs,
        "output": "image",
        "exported_image_size": list(samples.image_size) if FORMATS[format].needs_size else None,
        "exported_phase_encode_axis": axis,
        "exported_coils": fixed_coils(format, network, samples),
        **({"estimates_sensitivities": True} if estimates_sensitivities else {}),
    }
    is_exact = network.compute_dtype == "float32"
    exact = network if is_exact else inference_form.inference_copy(network)
    try:
        with replacing(path) as place:
            _write(network, place, format, quantize, axis, facts, samples)
            with refusing(format):
                exported = Reconstructor(place)
            agreement = measure_agreement(exact, exported, samples)
            refuse_inaccurate(agreement, str(path), quantize, largest_loss)
    except OSError as error:
        reason = "no space left on device" if is_full_disk(error) else in_one_line(error)
        raise InputError(
            f"{path.parent} cannot be written to ({reason}): make room or give another path."
        ) from error
    return agreement


def _write(
    network: Network,
    place: Path,
    format: str,
    quantize: str | None,
    axis: int | None,
    facts: dict[str, Any],
    samples: Samples,
) -> None:
    """Writes a network, in the form that the format computes; its masks have lines along an axis.

    Raises:
        OSError: of the file system, whether Python or TensorFlow met it.
    """
    form = "auto" if axis is None else ("rows", "columns")[axis]
    in_bfloat16 = (format, quantize) == ("saved_model", "bfloat16")  # its network has the reduction
    precision = "mixed_bfloat16" if in_bfloat16 else "float32"
    copy = inference_form.inference_copy(network, precision, form)
    options: dict[str, Any] = {}
    if format != "saved_model":
        slices = samples.calibration if quantize == "int8" else ()
        given = (
            inputs_of(samples.degradation, image[None], first_scan=(index, CALIBRATION))
            for index, image in enumerate(slices)
        )
        calibration = [{name: inputs[name] for name in facts["inputs"]} for inputs in given]
        options = {"quantize": quantize, "calibration": calibration}
    try:
        WRITERS[format](copy, place, facts, **options)
    except (tf.errors.OpError, RuntimeError) as error:
        # OpenVINO's reason for a full disk is "basic_ios::clear: iostream error".
        is_full = shutil.disk_usage(place.parent).free < SMALLEST_EXPORT
        if is_full or isinstance(error, tf.errors.OpError):
            raise OSError(NO_ROOM_IN_WORDS[0] if is_full else str(error)) from error
        raise
