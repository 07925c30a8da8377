"""The documentation is true: links lead somewhere, commands, flags and names exist."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_rooms import ROOMS

import kdmri_tf
from kdmri_tf.cli.main import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "RESULTS.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs").glob("*.ipynb")),
]
LINK = re.compile(r"\]\(([^)\s]+)\)")
# Flags of other programs that pages name.
FOREIGN = {
    *("--dist", "--no-deps", "--wheel-dir", "--fix", "--check", "--scaling"),
    *("--nodes", "--ntasks-per-node", "--gpus-per-node", "--gpus-per-task"),  # of Slurm
}


def text_of(page):
    """The page, of a notebook the cells."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".ipynb":
        return "\n\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    return text


def anchors(text):
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(text, folder):
    """The links to files or headings that are not there."""
    for link in LINK.findall(text):
        if re.match(r"\w+:", link):  # elsewhere
            continue
        path, _, anchor = link.partition("#")
        target = (folder / path).resolve()
        if not target.exists():
            yield link
            continue
        headings = anchors(text_of(included(target)) if path and anchor else text)
        if anchor and anchor not in headings:
            yield link


def included(page):
    """The page that a page of one include shows, or the page itself."""
    match = page.is_file() and re.match(r"```\{include\} (\S+)", page.read_text(encoding="utf-8"))
    return (page.parent / match[1]).resolve() if match else page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    assert not list(broken_links(text_of(page), page.parent))


def test_a_broken_link_is_found():
    text = "[a](README.md#limits) [b](nowhere.md) [c](README.md#nowhere) [d](#e) [f](https://g.org)"
    assert list(broken_links(text, ROOT)) == ["nowhere.md", "README.md#nowhere", "#e"]


def broken_tables(text):
    """The first lines of tables whose second line does not divide heading and rows."""
    for table in re.findall(r"(?:^ *\|.*\n)+", f"{text}\n", re.MULTILINE):
        first, *rest = table.splitlines()
        if not rest or not re.fullmatch(r" *\|( *:?-+:? *\|)+ *", rest[0]):
            yield first.strip()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tables_are_whole(page):
    assert not list(broken_tables(text_of(page)))


def test_a_broken_table_is_found():
    text = "| a | b |\n|---|---|\n| 1 | 2 |\n\n| 3 | 4 |\n| 5 | 6 |\n"
    assert list(broken_tables(text)) == ["| 3 | 4 |"]


@pytest.fixture(scope="module")
def known_flags():
    """Command -> the flags that its help names; all at once, as each is a process."""
    helps = {
        command: subprocess.Popen(
            [sys.executable, "-m", "kdmri_tf", command, "--help"], stdout=subprocess.PIPE, text=True
        )
        for command in COMMANDS
    }
    flags = {
        name: set(re.findall(r"--[a-z][a-z-]+", done.communicate()[0]))
        for name, done in helps.items()
    }
    # These are left out of the help of superres, which refuses most of them.
    return flags | {"superres": flags["superres"] | flags["kd"]}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_flags_exist(page, known_flags):
    text = re.sub(r"\\\n\s*", " ", text_of(page))
    calls = re.findall(r"(?:kdmri|python train/)[ ]?(\w+)(?:\.py)?((?: [^\n`|;:]+)?)", text)
    for command, arguments in calls:
        if command in known_flags:
            unknown = set(re.findall(r"--[a-z][a-z-]+", arguments)) - known_flags[command]
            assert not unknown - FOREIGN, f"{command}: {unknown}"
    for script in re.findall(r"train/(\w+)\.py", text):
        assert script in COMMANDS
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
    assert named <= set.union(*known_flags.values(), FOREIGN)


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/design.md"])
def test_files_of_the_house_exist(page):
    """Paths such as `networks/saved.py`, or `vdsr.py` after its folder."""
    package = ROOT / "kdmri_tf"
    named = set(re.findall(r"`([\w/]+\.py)`", (ROOT / page).read_text(encoding="utf-8")))
    assert named
    for name in named:
        places = [ROOT / name, package / name, *([] if "/" in name else package.glob(f"*/{name}"))]
        assert any(place.is_file() for place in places), name


def test_every_public_name_is_in_the_api():
    api = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\.\. auto(?:class|function|exception):: (\w+)$", api, re.MULTILINE))
    assert named == {name for name in kdmri_tf.__all__ if not name.startswith("_")}


def test_the_design_lists_the_rooms_in_their_order():
    design = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    (drawing,) = re.findall(r"```text\n(errors .*?)```", design, re.DOTALL)
    lines = [line for line in drawing.splitlines() if not line.startswith(" ")]
    rooms = [room for line in lines for room in re.split(" {4,}", line)[0].split()]
    assert rooms == [room for room in ROOMS if room != "__main__"]
