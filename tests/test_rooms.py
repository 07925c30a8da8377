"""The house: a room imports only from the rooms above it, and nothing goes in a circle."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# From the top down. A room is a folder, or a file at the top of the package.
ROOMS = (
    *("errors", "files", "choices", "compute", "physics", "phantoms", "volumes", "tfds_builders"),
    *("networks", "data", "evaluation", "distillation", "inference", "export", "training"),
    *("benchmarks", "cli", "kdmri_tf", "__main__", "train"),
)


def modules():
    """Name -> path of every module of the project, in words of its rooms."""
    folders = ("kdmri_tf", "tfds_builders", "train")
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return {name_of(path.relative_to(ROOT)): path for path in paths}


def name_of(path):
    """`kdmri_tf/data/loading.py` -> "kdmri_tf.data.loading"."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def room_of(module):
    """The room in which a module lies; the package itself is the last but one."""
    top, *rest = module.split(".")
    if rest == ["__main__"]:
        return "cli"
    return rest[0] if top == "kdmri_tf" and rest else top


def imports(source):
    """(line, module, name) of every import of the project, lazy ones included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import hides its room"
            found = [(node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            found = [(alias.name, None) for alias in node.names]
        else:
            continue
        for module, name in found:
            if module.split(".")[0] in ("kdmri_tf", "tfds_builders", "train"):
                yield node.lineno, module, name


def target(module, name, known):
    """The module that an import takes: `from package import module` names it last."""
    full = f"{module}.{name}"
    return full if full in known else module


def upward(name, source, known):
    """The imports of a module that do not go to a room above it, or to its own."""
    room = ROOMS.index(room_of(name))
    for line, module, imported in imports(source):
        taken = target(module, imported, known)
        if (taken, imported) == ("kdmri_tf", "__version__"):  # a string that needs no room
            continue
        if ROOMS.index(room_of(taken)) > room:
            yield f"{name}:{line} imports {taken}, which lies below"


@pytest.mark.parametrize("name", modules())
def test_imports_go_up(name):
    known = modules()
    found = list(upward(name, known[name].read_text(encoding="utf-8"), known))
    assert not found, "\n".join(found)


def test_there_is_no_circle():
    known = modules()
    graph = {
        name: {target(module, imported, known) for _, module, imported in imports(path.read_text())}
        for name, path in known.items()
    }
    graph = {name: taken - {name} for name, taken in graph.items()}
    assert len(list(TopologicalSorter(graph).static_order())) >= len(known)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("kdmri_tf.physics.fourier", "from kdmri_tf.networks.dccnn import DCCNN"),
        ("kdmri_tf.networks.network", "    from kdmri_tf.export import export_network"),
        ("kdmri_tf.volumes.volume", "import tfds_builders.catalog"),
        ("kdmri_tf.errors", "from kdmri_tf import DCCNN"),
        ("tfds_builders.sources", "from kdmri_tf import load_data"),
        ("kdmri_tf.cli.kd", "from train import kd"),
    ],
)
def test_planted_imports_are_found(name, line):
    """The test itself can fail."""
    source = f"def function():\n    pass\n{line.lstrip()}\n"
    assert len(list(upward(name, source, modules()))) == 1
