"""What is special about ONNX: the names of its axes, and its converter's moods."""

import numpy as np
import pytest
from needed_packages import needed

from kdmri_tf import VDSR, InputError, export_network
from kdmri_tf.export import onnx as onnx_writer
from kdmri_tf.export.check_samples import synthetic_samples

onnx, tf2onnx = needed("onnx"), needed("tf2onnx")


@pytest.mark.parametrize("quantize", [None, "int8", "float16"])
def test_axes_of_onnx_have_names(tmp_path, model, samples, quantize):
    path = tmp_path / "a.onnx"
    facts = {"dataset": "cardiac"}
    export_network(model, path, "onnx", quantize, samples=samples, largest_loss=1, metadata=facts)
    stored = onnx.load(path)
    axes = {
        tensor.name: [
            axis.dim_param or axis.dim_value for axis in tensor.type.tensor_type.shape.dim
        ]
        for tensor in (*stored.graph.input, *stored.graph.output)
    }
    assert axes == {
        "kspace": ["batch", "height", "width", 2],
        "mask": ["batch", "height", "width"],
        "image": ["batch", "height", "width", 1],
    }
    assert b"unk__" not in path.read_bytes()
    assert stored.doc_string.startswith("D3C2, a network of kdmri_tf that reconstructs MRI slices")
    assert stored.doc_string.endswith("cardiac data: research only, not for clinical use.")
    assert "NaN for other masks" in stored.graph.input[1].doc_string


def five_axes(convert):
    """A conversion that gives the image a fifth axis."""

    def converted(*arguments, **options):
        while True:  # until it is sound: the converter itself adds an axis at times
            model, more = convert(*arguments, **options)
            (output,) = model.graph.output
            if len(output.type.tensor_type.shape.dim) == 4:
                break
        for node in model.graph.node:
            node.output[:] = ["four" if name == output.name else name for name in node.output]
        axes = onnx.numpy_helper.from_array(np.array([0]), "axes")
        model.graph.initializer.append(axes)
        model.graph.node.append(onnx.helper.make_node("Unsqueeze", ["four", "axes"], [output.name]))
        return model, more

    return converted


def test_a_conversion_to_onnx_with_another_axis_is_made_again(tmp_path, monkeypatch):
    network, path = VDSR(2, filters=2), tmp_path / "a.onnx"
    samples = synthetic_samples(network.degradation, (40, 36))
    sound, calls = tf2onnx.convert.from_function, []

    def first_is_not_sound(*arguments, **options):
        calls.append(1)
        convert = five_axes(sound) if len(calls) == 1 else sound
        return convert(*arguments, **options)

    monkeypatch.setattr(tf2onnx.convert, "from_function", first_is_not_sound)
    export_network(network, path, "onnx", samples=samples)
    assert len(calls) > 1

    monkeypatch.setattr(tf2onnx.convert, "from_function", five_axes(sound))
    monkeypatch.setattr(onnx_writer, "ATTEMPTS", 2)
    with pytest.raises(InputError, match=r"has shape \(1, any, any, any, 1\), not .* report"):
        export_network(network, tmp_path / "b.onnx", "onnx", samples=samples)
