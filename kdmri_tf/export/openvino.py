"""A network as an OpenVINO model: the fastest form on Intel's processors, without TensorFlow."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.export.saved_model import write_saved_model
from kdmri_tf.inference.runtimes.openvino import OPENVINO_FILE
from kdmri_tf.inference.runtimes.plain_path import plain_path, plain_temporary_folder
from kdmri_tf.networks.network import Network


def write_openvino(
    network: Network,
    path: Path,
    metadata: Mapping[str, Any],
    quantize: str | None,
    calibration: Sequence[dict[str, NDArray[np.float32]]],
) -> None:
    """Writes a folder of `model.xml` and `model.bin`; batch, height and width are free.

    Inputs and `image` keep their names. The metadata is the JSON text of the model's run-time
    information "metadata".

    In "bfloat16" only the convolutions with their biases and ReLUs compute in it. OpenVINO itself
    would compute everything in bfloat16 on processors that have it, even k-space and data
    consistency, unless `{"EXECUTION_MODE_HINT": "ACCURACY"}` asks for the precisions of the model,
    as `Reconstructor` does.

    Args:
        network: from `inference_form.inference_copy` in float32, without FFTs.
        path: folder, not there yet.
        metadata: facts as JSON values.
        quantize: None or "bfloat16".
        calibration: unused.
    """
    import openvino

    with plain_temporary_folder() as folder:
        write_saved_model(network, folder / "network", metadata)
        model = openvino.Core().read_model(folder / "network")
        if quantize == "bfloat16":
            _convolve_in_bfloat16(model)
        model.set_rt_info(json.dumps(metadata), ["metadata"])
        path.mkdir()
        with plain_path(path) as plain:
            openvino.save_model(model, plain / OPENVINO_FILE, compress_to_fp16=False)


def _convolve_in_bfloat16(model: Any) -> None:
    """Inserts casts before the first convolution in a row of them, and after the last."""
    from openvino import passes

    simplified = passes.Manager()
    simplified.register_pass(passes.ConstantFolding())
    simplified.run_passes(model)
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Convolution":
            _cast_inputs(node)
            _cast_output(_end_of_block(node))
    simplified.run_passes(model)  # weights are kept in bfloat16
    model.validate_nodes_and_infer_types()


def _end_of_block(node: Any) -> Any:
    """Returns the last of the biases and ReLUs after a convolution; they are cast to bfloat16."""
    while True:
        ports = list(node.output(0).get_target_inputs())
        if len(ports) != 1:
            return node
        user = ports[0].get_node()
        others = [port for port in user.inputs() if port.get_index() != ports[0].get_index()]
        sources = {port.get_source_output().get_node().get_type_name() for port in others}
        if user.get_type_name() not in ("Add", "Relu", "Transpose") or sources - {"Constant"}:
            return node
        if user.get_type_name() == "Add":
            _cast_inputs(user)
        user.validate_and_infer_types()
        node = user


def _cast_inputs(node: Any) -> None:
    """Casts the inputs of a node to bfloat16."""
    from openvino import opset13

    for port in node.inputs():
        source = port.get_source_output()
        if source.get_element_type().get_type_name() != "bf16":
            port.replace_source_output(opset13.convert(source, "bf16").output(0))
    node.validate_and_infer_types()


def _cast_output(node: Any) -> None:
    """Casts the output of a node back to float32, for whatever is not a convolution."""
    from openvino import opset13

    users = list(node.output(0).get_target_inputs())
    others = [user for user in users if user.get_node().get_type_name() != "Convolution"]
    if others:
        cast = opset13.convert(node.output(0), "f32").output(0)
        for user in others:
            user.replace_source_output(cast)
