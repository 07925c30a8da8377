"""The README's code runs as it stands, but for paths, network sizes and numbers of epochs."""

import re
from pathlib import Path

import keras
import pytest

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.slow
def test_users_code(manual_dir, data_dir, tmp_path, monkeypatch):
    code, serving = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    tiny = f'2, source="folder", manual_dir=r"{manual_dir}", data_dir=r"{data_dir}", image_size='
    replacements = {
        'acceleration=4, manual_dir="data"': f"{tiny}(36, 34)",
        "epochs=50": "epochs=1, verbose=0",
        "D5C5": "D3C2",
        "D3C5": "D2C2",
    }
    for written, used in replacements.items():
        assert written in code
        code = code.replace(written, used)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(code, names)
    inputs, _ = next(iter(names["validation"]))
    names.update(inputs)
    exec(serving, names)
    student = keras.models.load_model("student.keras")
    assert abs(names["image"] - student(inputs)).numpy().max() < 1e-5
