"""A network as a LiteRT file: for small computers, without TensorFlow."""

import json
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from kdmri_tf.export.layout import serving_options
from kdmri_tf.inference.runtimes.plain_path import plain_temporary_folder
from kdmri_tf.inference.runtimes.runtime import METADATA_FILE
from kdmri_tf.networks import inference_form
from kdmri_tf.networks.network import Network


def write_litert(
    network: Network,
    path: Path,
    metadata: Mapping[str, Any],
    quantize: str | None,
    calibration: Sequence[dict[str, NDArray[np.float32]]],
) -> None:
    """Writes a `.tflite` file with the signature of `inference_form.serve`.

    Height, width and coils are fixed, as its fast kernels require; the batch is free. The
    metadata is in an archive appended to the file, LiteRT's place for files that go along:
    `unzip` reads it.

    Args:
        network: from `inference_form.inference_copy`, without FFTs.
        path: of the file.
        metadata: facts as JSON values, with `exported_image_size`.
        quantize: None, "float16" (weights) or "int8" (weights, and activations of convolutions).
        calibration: for "int8", the inputs of slices.
    """
    converted = _convert(network, metadata)
    path.write_bytes(converted if quantize is None else _reduce(converted, quantize, calibration))
    entry = zipfile.ZipInfo(METADATA_FILE)  # of no date: the same network makes the same file
    entry.external_attr = 0o644 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, json.dumps(metadata, indent=2))


def _convert(network: Network, metadata: Mapping[str, Any]) -> bytes:
    """Returns the network as a LiteRT file in float32."""
    height, width = metadata["exported_image_size"]
    serve = inference_form.serve(network, (height, width), **serving_options(metadata))
    # The converter loses weights that are not constants of the graph, without a word.
    frozen = convert_variables_to_constants_v2(serve.get_concrete_function())

    @tf.function(input_signature=serve.input_signature)
    def named(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        (image,) = frozen(*tensors)
        return {"image": image}

    with plain_temporary_folder() as folder:
        tf.saved_model.save(tf.Module(), str(folder), signatures=named)
        return tf.lite.TFLiteConverter.from_saved_model(str(folder)).convert()


def _reduce(
    converted: bytes, quantize: str, calibration: Sequence[dict[str, NDArray[np.float32]]]
) -> bytes:
    """Reduces the convolutions; k-space, data consistency and sums stay in float32."""
    from ai_edge_quantizer import qtyping, quantizer
    from ai_edge_quantizer.algorithm_manager import AlgorithmName

    quantization = quantizer.Quantizer(converted)
    convolutions = (".*", qtyping.TFLOperationName.CONV_2D)
    if quantize == "float16":
        half = qtyping.TensorQuantizationConfig(16, dtype=qtyping.TensorDataType.FLOAT)
        weights = qtyping.OpQuantizationConfig(
            weight_tensor_config=half,
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        )
        quantization.update_quantization_recipe(*convolutions, weights, AlgorithmName.FLOAT_CASTING)
    else:
        quantization.add_static_config(*convolutions, activation_num_bits=8, weight_num_bits=8)
    with warnings.catch_warnings():
        # Calibration looks at all tensors, and the interpreter warns that it keeps them.
        warnings.filterwarnings("ignore", ".*experimental_preserve_all_tensors", UserWarning)
        ranges = None
        if quantization.need_calibration:
            ranges = quantization.calibrate({"serving_default": calibration})
        result = quantization.quantize(
            ranges, enable_progress_bar=False, enable_progress_report=False
        )
    return bytes(result.quantized_model)
