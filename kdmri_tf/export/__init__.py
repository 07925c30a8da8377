"""Networks as SavedModel, LiteRT, ONNX and OpenVINO files, checked."""
