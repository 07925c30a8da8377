"""The names that users choose from, on the command line and in code.

Plain Python without TensorFlow, so that command lines are checked in an instant.
"""

EXPORT_FORMATS = ("saved_model", "litert", "onnx", "openvino")
