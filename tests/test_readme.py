"""The README's code runs as it stands, but for paths, network sizes and numbers of epochs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"

USE = """
inputs, _ = next(iter(validation))
kspace, mask = inputs["kspace"], inputs["mask"]
"""
CHECK = """
student = kdmri_tf.load_network("student.keras")
assert abs(image - student(inputs)).numpy().max() < 1e-5
"""


@pytest.mark.slow
def test_users_code(manual_dir, data_dir, tmp_path):
    pytest.importorskip("tf2onnx")
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    reconstructing, code, serving = blocks
    tiny = f'2, source="folder", manual_dir=r"{manual_dir}", data_dir=r"{data_dir}", image_size='
    replacements = {
        'acceleration=4, manual_dir="data"': f"{tiny}(36, 34)",
        "epochs=50": "epochs=1, verbose=0",
        "D5C5": "D3C1",
        "D3C5": "D2C1",
    }
    for written, used in replacements.items():
        assert written in code
        code = code.replace(written, used)
    assert '"student.tflite"' in reconstructing
    reconstructing = reconstructing.replace("student.tflite", "student.onnx")
    # In a process of its own, as threads can only be set before TensorFlow computes anything.
    command = [sys.executable, "-c", code + USE + serving + CHECK + reconstructing + CHECK]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
