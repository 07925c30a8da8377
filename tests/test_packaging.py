"""What is installed and what is given away: versions, links, and the contents of an sdist."""

import configparser
import json
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import metadata
from pathlib import Path

import pytest

import kdmri_tf

ROOT = Path(__file__).parents[1]


def test_version_and_links_of_the_installation():
    installed = metadata("kdmri_tf")
    assert installed["Version"] == kdmri_tf.__version__
    links = dict(line.split(", ") for line in installed.get_all("Project-URL"))
    assert links == {
        "KD-MRI": "https://arxiv.org/abs/2004.05319",
        "SFT-KD-Recon": "https://arxiv.org/abs/2304.05057",
    }


def test_keras_settings_of_the_commands():
    settings = json.loads((ROOT / "kdmri_tf/cli/settings/keras.json").read_text())
    assert (settings["backend"], settings["floatx"]) == ("tensorflow", "float32")


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """The names of all files in an sdist of this repository."""
    pytest.importorskip("setuptools")
    copy = tmp_path_factory.mktemp("copy")
    manifest = [line.split() for line in (ROOT / "MANIFEST.in").read_text().splitlines()]
    wanted = [name for verb, *names in manifest if verb in ("include", "graft") for name in names]
    wanted += ["kdmri_tf", "tfds_builders", "README.md", "LICENSE"]
    wanted += ["setup.cfg", "pyproject.toml", "MANIFEST.in"]
    for name in wanted:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("_build", "jupyter_execute", "__pycache__")
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, copy / name)
    build = [sys.executable, "-c", "import setuptools; setuptools.setup()", "-q", "sdist"]
    subprocess.run(build, cwd=copy, check=True, capture_output=True)
    (archive,) = (copy / "dist").iterdir()
    with tarfile.open(archive) as files:
        return {name.partition("/")[2] for name in files.getnames()}


def test_an_sdist_holds_what_a_clone_does(sdist):
    folders = ("train", "docs", ".ci", "kdmri_tf", "tfds_builders", "tests")
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        assert name in sdist or name.startswith(("docs/_build/", "docs/jupyter_execute/"))
    for name in ("CITATION.cff", "LICENSE", "CHANGELOG.md", "README.md", ".ci/run", "train/kd.py"):
        assert name in sdist
    assert not [name for name in sdist if name.endswith(".pyc")]


def test_data_files_of_the_package_are_installed(sdist):
    """All but Python's are named in setup.cfg, or a wheel would lack them."""
    config = configparser.ConfigParser(inline_comment_prefixes="#")
    config.read(ROOT / "setup.cfg")
    named = {
        path
        for package, names in config["options.package_data"].items()
        for pattern in names.split(", ")
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    assert {path.relative_to(ROOT).as_posix() for path in named} <= sdist
    others = {
        path
        for top in ("kdmri_tf", "tfds_builders")
        for path in (ROOT / top).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert others == named
