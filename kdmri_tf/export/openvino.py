"""A network as an OpenVINO model: the fastest form on Intel's processors, without TensorFlow."""

import json
import tempfile
from pathlib import Path

from kdmri_tf.export.saved_model import write_saved_model
from kdmri_tf.inference.runtimes import OPENVINO_FILE


def write_openvino(network, path, metadata, quantize, calibration):
    """Writes a folder of `model.xml` and `model.bin`; batch, height and width are free.

    The inputs and `image` have their names. The metadata is the JSON text of the model's run-time
    information "metadata".

    In "bfloat16" the convolutions with their biases and ReLUs compute in it, everything else in
    float32. OpenVINO by itself computes all in bfloat16 on processors that have it, k-space and
    data consistency too, unless it is told `{"EXECUTION_MODE_HINT": "ACCURACY"}`: the precisions
    of the model. `Reconstructor` tells it.

    Args:
        network: from `inference_form.inference_copy` in float32, without FFTs.
        path: folder, not there yet.
        metadata: dictionary.
        quantize: None or "bfloat16".
        calibration: unused.
    """
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        write_saved_model(network, Path(folder, "network"), metadata)
        model = openvino.Core().read_model(Path(folder, "network"))
        if quantize == "bfloat16":
            _convolve_in_bfloat16(model)
        model.set_rt_info(json.dumps(metadata), ["metadata"])
        path.mkdir()
        openvino.save_model(model, path / OPENVINO_FILE, compress_to_fp16=False)


def _convolve_in_bfloat16(model):
    """Casts before the first convolution of a row of them, and after the last."""
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


def _end_of_block(node):
    """The last of the biases and ReLUs that follow a convolution, cast to bfloat16."""
    while True:
        ports = list(node.output(0).get_target_inputs())
        if len(ports) != 1:
            return node
        user = ports[0].get_node()
        others = [port for port in user.inputs() if port.get_index() != ports[0].get_index()]
        others = {port.get_source_output().get_node().get_type_name() for port in others}
        if user.get_type_name() not in ("Add", "Relu", "Transpose") or others - {"Constant"}:
            return node
        if user.get_type_name() == "Add":
            _cast_inputs(user)
        user.validate_and_infer_types()
        node = user


def _cast_inputs(node):
    from openvino import opset13

    for port in node.inputs():
        source = port.get_source_output()
        if source.get_element_type().get_type_name() != "bf16":
            port.replace_source_output(opset13.convert(source, "bf16").output(0))
    node.validate_and_infer_types()


def _cast_output(node):
    """Back to float32, for all that is no convolution."""
    from openvino import opset13

    users = list(node.output(0).get_target_inputs())
    others = [user for user in users if user.get_node().get_type_name() != "Convolution"]
    if others:
        cast = opset13.convert(node.output(0), "f32").output(0)
        for user in others:
            user.replace_source_output(cast)
