"""A network as an ONNX file: for ONNX Runtime, in any language, without TensorFlow."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from kdmri_tf.export.layout import serving_options
from kdmri_tf.inference.runtimes.plain_path import plain_temporary_folder
from kdmri_tf.networks import inference_form
from kdmri_tf.networks.network import Network

if TYPE_CHECKING:
    import onnx

OPSET = 18
ATTEMPTS = 10
AXES = ("batch", "height", "width")
# What a viewer shows of inputs and output.
DESCRIPTIONS = {
    "kspace": "float32 (batch, height, width, 2): real and imaginary part of the slice's Fourier "
    "transform, unshifted, ortho normalised, 0 where not measured; slices have maximum 1",
    "mask": "float32 (batch, height, width): 1 where k-space was measured and 0 elsewhere, "
    "unshifted, of whole lines along one axis; the image is NaN for other masks",
    "low_resolution": "float32 (batch, height, width, 1): image of low resolution, maximum 1",
    "image": "float32 (batch, height, width, 1): reconstructed magnitude image, maximum about 1",
}
COMPLEX_DESCRIPTIONS = {
    **DESCRIPTIONS,
    "kspace": "float32 (batch, coils, height, width, 2): real and imaginary part of the k-space of "
    "each coil, unshifted, ortho normalised, 0 where not measured, scaled so that the zero-filled "
    "image has maximum 1",
    "sensitivities": "float32 (batch, coils, height, width, 2): real and imaginary part of the "
    "sensitivity of each coil; squares sum to 1 over the coils",
    "image": "float32 (batch, height, width, 2): real and imaginary part of the image",
}
COMPLEX_AXES = dict.fromkeys(("kspace", "sensitivities"), ("batch", "coils", "height", "width"))


def write_onnx(
    network: Network,
    path: Path,
    metadata: Mapping[str, Any],
    quantize: str | None,
    calibration: Sequence[dict[str, NDArray[np.float32]]],
) -> None:
    """Writes an `.onnx` file with named inputs and `image`; batch, height and width are free.

    The metadata is the JSON text of the model property "metadata".

    Args:
        network: from `inference_form.inference_copy`, without FFTs.
        path: of the file.
        metadata: facts as JSON values.
        quantize: None, "float16" (weights) or "int8" (weights, and activations of convolutions).
        calibration: for "int8", the inputs of slices.
    """
    import onnx

    model = _convert(inference_form.serve(network, **serving_options(metadata)))
    if quantize == "int8":
        model = _quantize(model, calibration)
    elif quantize == "float16":
        _halve_weights(model.graph)
    _describe(model, metadata)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _convert(serve: tf.types.experimental.GenericFunction) -> "onnx.ModelProto":
    """Returns a network as an ONNX model.

    tf2onnx 1.17 rewrites reshapes in an order that varies from run to run, and one order in about
    twenty gave the image of a `VDSR` a fifth axis: such a model is converted again.
    """
    import tf2onnx

    for _ in range(ATTEMPTS):
        model, _ = tf2onnx.convert.from_function(serve, serve.input_signature, opset=OPSET)
        if _rank_of_image(model) == 4:
            return model
    return model  # the comparison with the network refuses it


def _describe(model: "onnx.ModelProto", metadata: Mapping[str, Any]) -> None:
    """Names the free axes and says what the network is; the converter's own names mean nothing."""
    import onnx

    del model.graph.value_info[:]  # shapes by the converter's names: runtimes infer them
    is_complex = bool(metadata.get("complex_images"))
    descriptions = COMPLEX_DESCRIPTIONS if is_complex else DESCRIPTIONS
    axes = COMPLEX_AXES if is_complex else {}
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.doc_string = descriptions[tensor.name]
        names = axes.get(tensor.name, AXES)
        for axis, name in zip(tensor.type.tensor_type.shape.dim, names, strict=False):
            if name != "coils" or metadata.get("exported_coils") is None:
                axis.dim_param = name
    trained = metadata.get("dataset")
    model.doc_string = (
        f"{metadata['architecture']}, a network of kdmri_tf that reconstructs MRI slices"
        f"{f', trained on {trained} data' if trained else ''}: {metadata['intended_use']}."
    )
    model.graph.doc_string = model.doc_string
    onnx.helper.set_model_props(model, {"metadata": json.dumps(metadata)})


def _rank_of_image(model: "onnx.ModelProto") -> int:
    """Returns the number of axes that follows from the nodes, not the one that is declared."""
    import onnx

    undeclared = onnx.ModelProto()
    undeclared.CopyFrom(model)
    undeclared.graph.output[0].type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(undeclared)
    return len(inferred.graph.output[0].type.tensor_type.shape.dim)


def _halve_weights(graph: "onnx.GraphProto") -> None:
    """Stores large constants in float16; they are cast to float32 once, when the file is opened."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.ndim == 4:
            name = tensor.name
            half = numpy_helper.from_array(values.astype(np.float16), f"{name}_float16")
            tensor.CopyFrom(half)
            casts.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)


def _quantize(
    model: "onnx.ModelProto", calibration: Sequence[dict[str, NDArray[np.float32]]]
) -> "onnx.ModelProto":
    """Puts convolutions in 8-bit integers; k-space, data consistency and sums stay float32."""
    import onnx
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self._samples = iter(calibration)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            return next(self._samples, None)

    with plain_temporary_folder() as folder:
        source, target = folder / "float.onnx", folder / "int8.onnx"
        onnx.save(model, str(source))
        quantization.shape_inference.quant_pre_process(
            str(source), str(source), skip_symbolic_shape=True
        )
        quantization.quantize_static(
            str(source),
            str(target),
            Reader(),
            op_types_to_quantize=["Conv", "Relu"],
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        quantized = onnx.load(str(target))
    return quantized
