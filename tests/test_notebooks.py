"""The notebooks of the documentation run from top to bottom, and are stored small and clean."""

import json
import re
from pathlib import Path

import pytest
from needed_packages import needed

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, tmp_path):
    needed("ipykernel")
    nbclient = needed("nbclient")
    nbformat = needed("nbformat")
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=900, resources=resources).execute()
    pictures = [output for output in outputs(notebook) if "image/png" in output.get("data", {})]
    assert len(pictures) >= 3
    assert not list(tmp_path.iterdir()), "nothing is left where the notebook lies"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stored_small_and_clean(path):
    assert path.stat().st_size < 400_000
    notebook = json.loads(path.read_text(encoding="utf-8"))
    texts = [text for output in outputs(notebook) for text in texts_of(output)]
    assert not [text for text in texts if re.search(r"/(home|root|tmp|work|Users)/", text)]
    assert not [output for output in outputs(notebook) if output.get("name") == "stderr"]
    assert set(notebook["metadata"]) <= {"kernelspec", "language_info"}


def outputs(notebook):
    """What the cells gave."""
    return [output for cell in notebook["cells"] for output in cell.get("outputs", [])]


def texts_of(output):
    """The readable parts of an output."""
    data = output.get("data", {})
    parts = [output.get("text", ""), *(data[kind] for kind in data if kind.startswith("text/"))]
    return ["".join(part) for part in parts]
