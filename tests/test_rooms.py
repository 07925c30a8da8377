"""The house: a room imports only from the rooms above it, and nothing goes in a circle."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOPS = ("kdmri_tf", "tfds_builders", "train")
# From the top down. A room is a folder, or a file at the top of the package.
ROOMS = (
    *("errors", "files", "sizes", "arrays", "architecture_names", "progress", "pictures"),
    *("choices",),
    *("compute", "physics", "phantoms", "volumes", "tfds_builders"),
    *("zoo", "networks", "data", "evaluation", "distillation", "inference", "export", "training"),
    *("benchmarks", "cli", "kdmri_tf", "__main__", "train"),
)


def name_of(path):
    """`kdmri_tf/data/loading.py` -> "kdmri_tf.data.loading"."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for top in TOPS for path in sorted((ROOT / top).rglob("*.py"))}


def room_of(module):
    """The room in which a module lies; the package itself and the scripts are rooms, too."""
    top, *rest = module.split(".")
    return rest[0] if top == "kdmri_tf" and rest else top


def imports(source):
    """(line, module or name in it) of every import of the project, lazy ones included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import hides its room"
            found = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found = [literal_beginning(node.args[0])]
        else:
            continue
        yield from ((node.lineno, name) for name in found if name.split(".")[0] in TOPS)


def literal_beginning(argument):
    """What is known of a module's name: "kdmri_tf.cli" of `f"kdmri_tf.cli.{name}"`."""
    parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
    return str(parts[0].value).rstrip(".") if isinstance(parts[0], ast.Constant) else ""


def target(imported):
    """The module that an import takes, whether it is named itself or something within it."""
    parent = imported.rpartition(".")[0]
    return imported if imported in MODULES or parent not in MODULES else parent


def wrong(name, source):
    """Says which imports of a module do not go to its own room or to one above it."""
    for line, imported in imports(source):
        taken = target(imported)
        if imported == "kdmri_tf.__version__":  # a string, there before anything else
            continue
        if taken not in MODULES:
            yield f"{name}:{line} imports {taken}, which does not exist"
        elif ROOMS.index(room_of(taken)) > ROOMS.index(room_of(name)):
            yield f"{name}:{line} imports {taken}, which lies below"


def graph_of(sources):
    """Module -> the modules that it imports."""
    return {
        name: {target(imported) for _, imported in imports(source)} - {name}
        for name, source in sources.items()
    }


def circle_in(graph):
    """The modules of a circle, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def reach_of(room, graph):
    """All modules that those of a room lead to."""
    reached, new = set(), {name for name in graph if room_of(name) == room}
    while new:
        reached |= new
        new = {taken for name in new for taken in graph.get(name, ())} - reached
    return reached


@pytest.fixture(scope="module")
def sources():
    return {name: path.read_text(encoding="utf-8") for name, path in MODULES.items()}


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_up(name, sources):
    assert room_of(name) in ROOMS, f"{name} is in no room: give it a place in ROOMS"
    found = list(wrong(name, sources[name]))
    assert not found, "\n".join(found)


def test_there_is_no_circle(sources):
    assert not circle_in(graph_of(sources))


def test_reconstructing_a_file_does_not_enter_the_data_sets(sources):
    reached = reach_of("inference", graph_of(sources))
    assert {"volumes", "networks"} <= {room_of(name) for name in reached}
    assert not {name for name in reached if room_of(name) in ("tfds_builders", "data")}


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("kdmri_tf.physics.fourier", "from kdmri_tf.networks.dccnn import DCCNN", "lies below"),
        ("kdmri_tf.networks.network", "from kdmri_tf.export import export_network", "lies below"),
        ("kdmri_tf.volumes.volume", "import tfds_builders.catalog", "lies below"),
        ("kdmri_tf.errors", "from kdmri_tf import DCCNN", "lies below"),
        ("tfds_builders.sources", "from kdmri_tf import load_data", "lies below"),
        ("kdmri_tf.cli.kd", "from train import kd", "lies below"),
        ("kdmri_tf.data.loading", 'importlib.import_module(f"kdmri_tf.cli.{x}")', "lies below"),
        ("kdmri_tf.cli.kd", "from kdmri_tf.parallel import divide_cores", "does not exist"),
    ],
)
def test_planted_imports_are_found(name, line, message):
    """The test itself can fail, also where the import is lazy."""
    assert list(wrong(name, "import kdmri_tf.errors\n")) == []
    (found,) = wrong(name, f"def function():\n    {line}\n")
    assert found.startswith(f"{name}:2 imports ")
    assert found.endswith(message)


def test_a_planted_circle_is_found(sources):
    planted = "from kdmri_tf.volumes.open_volume import open_volume"
    assert circle_in(graph_of(sources | {"kdmri_tf.volumes.geometry": planted}))


def test_a_planted_detour_is_found(sources):
    planted = sources | {"kdmri_tf.physics.masks": "from tfds_builders.catalog import DATASETS"}
    assert "tfds_builders.catalog" in reach_of("inference", graph_of(planted))
