"""The code of README and docs runs as it stands, but for paths, network sizes and epochs."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from needed_packages import needed

ROOT = Path(__file__).parents[1]

USE = """
inputs, _ = next(iter(validation))
kspace, mask = inputs["kspace"], inputs["mask"]
"""
CHECK = """
student = kdmri_tf.load_network("student.keras")
assert abs(image - student(inputs)).numpy().max() < 1e-5
"""


def python_of(page):
    """The blocks of Python in a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def run_tiny(manual_dir, data_dir, tmp_path):
    """Runs a training and what follows it, in small, in a process of its own.

    As threads can only be set before TensorFlow computes anything.
    """

    def run(training, rest):
        source = f'source="folder", manual_dir=r"{manual_dir}", data_dir=r"{data_dir}"'
        replacements = {
            'acceleration=4, manual_dir="data"': f"2, {source}, image_size=(36, 34)",
            "epochs=50": "epochs=1, verbose=0",
            "D5C5": "D3C2",
            "D3C5": "D2C2",
        }
        for written, used in replacements.items():
            assert written in training
            training = training.replace(written, used)
        command = [sys.executable, "-c", training + rest]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    return run


@pytest.mark.slow
def test_users_code(run_tiny):
    (code,) = python_of("README.md")
    reconstructing = """
image = kdmri_tf.Reconstructor("student")(kspace, mask)
"""
    run_tiny(code, USE + reconstructing + CHECK)


@pytest.mark.slow
def test_the_first_command_of_the_readme(data_dir, tmp_path, run_here, monkeypatch):
    """Without files, in small: the folder that the README names has what it names."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"<!-- distil -->\n```bash\n(.*?)\n```", text, re.DOTALL)
    python, script, *flags = shlex.split(command.removeprefix("pip install -e . &&"))
    assert (python, script) == ("python", "train/kd.py")
    (folder,) = set(re.findall(r"`(runs/[^`]*)/`", text.partition("## Install")[0]))
    small = ("--image-size", 48, 48, "--center-lines", 6, "--epochs", 1, "--filters", 4)
    monkeypatch.chdir(tmp_path)
    with pytest.warns(UserWarning, match="SYNTHETIC phantoms"):
        run_here(Path(script).stem, *flags, *small, "--whole-batches", "--data-dir", data_dir)
    assert "SYNTHETIC" in (tmp_path / folder / "evaluation.md").read_text()
    assert (tmp_path / folder / "reconstructions.png").exists()
    assert (tmp_path / folder / "saved_model/saved_model.pb").exists()


@pytest.mark.slow
def test_code_of_the_documentation(run_tiny):
    needed("tf2onnx")
    code, serving = python_of("docs/getting-started.md")
    reconstructing, _, plain, _ = python_of("docs/serve.md")
    assert '"student.tflite"' in reconstructing
    reconstructing = reconstructing.replace("student.tflite", "student.onnx")
    arrays = "kspace, mask = kspace.numpy(), mask.numpy()\n"
    run_tiny(code, USE + serving + CHECK + reconstructing + CHECK + arrays + plain + CHECK)
