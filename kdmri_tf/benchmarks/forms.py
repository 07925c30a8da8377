"""The forms of a network that the inference benchmark compares."""

import dataclasses

# Other formats run in TensorFlow.
FRAMEWORKS = {"litert": "LiteRT", "onnx": "ONNX Runtime", "openvino": "OpenVINO"}


@dataclasses.dataclass(frozen=True)
class Form:
    """Describes a way to run a network.

    Attributes:
        name: in tables.
        format: "keras" or a key of `export.formats.FORMATS`.
        quantize: as for `export_network`.
        by_predict: whether Keras' `predict` runs it, instead of `Reconstructor`.
    """

    name: str
    format: str
    quantize: str | None = None
    by_predict: bool = False

    @property
    def framework(self) -> str:
        """Returns the key of `speed_figure.COLOURS`."""
        return FRAMEWORKS.get(self.format, "TensorFlow")


FORMS = (
    Form("Keras predict", "keras", by_predict=True),
    Form(".keras float32", "keras"),
    Form("SavedModel float32", "saved_model"),
    Form("SavedModel bfloat16", "saved_model", "bfloat16"),
    Form("LiteRT float32", "litert"),
    Form("LiteRT float16", "litert", "float16"),
    Form("LiteRT int8", "litert", "int8"),
    Form("ONNX float32", "onnx"),
    Form("ONNX float16", "onnx", "float16"),
    Form("ONNX int8", "onnx", "int8"),
    Form("OpenVINO float32", "openvino"),
    Form("OpenVINO bfloat16", "openvino", "bfloat16"),
)
