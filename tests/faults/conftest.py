"""What the tests of faults share, and how many of how many they say they passed."""

import collections
from dataclasses import dataclass

import pytest
from faults import sameness
from faults.interrupted import Ended, run
from faults.places import make_places
from faults.scenarios import SCENARIOS

PAGE = 4096  # bytes
TALLIES: dict[str, collections.Counter] = {}


@dataclass(frozen=True)
class Quiet:
    """An undisturbed run of a scenario: how it went, what was there before and after, its bytes."""

    ended: Ended
    before: dict[str, str]
    after: dict[str, str]
    num_bytes: int


@pytest.fixture(scope="session")
def places(tmp_path_factory):
    """Made once: a minute of training."""
    return make_places(tmp_path_factory.mktemp("places"))


@pytest.fixture(scope="session")
def quiet(places, tmp_path_factory):
    """Returns the quiet run of a scenario, which is made once."""
    made = {}

    def of(name):
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            SCENARIOS[name].set_up(folder, places)
            before, room = sameness.contents(folder), room_of(folder)
            ended = run(SCENARIOS[name].words(folder, places))
            assert ended.status == 0, ended.text
            made[name] = Quiet(ended, before, sameness.contents(folder), room_of(folder) - room)
        return made[name]

    return of


def room_of(folder):
    """Returns how many bytes files take, in whole pages."""
    sizes = (path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return sum(-(-size // PAGE) * PAGE for size in sizes)


@pytest.fixture(scope="session")
def tally():
    """Counts what was tried and what passed, by name; printed at the end."""

    def counter(name):
        return TALLIES.setdefault(name, collections.Counter())

    return counter


def pytest_terminal_summary(terminalreporter):
    for name, counts in TALLIES.items():
        terminalreporter.write_line(f"{name}: {counts['passed']} of {counts['tried']}")
