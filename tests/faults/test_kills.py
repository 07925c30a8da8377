"""A command that is stopped anywhere and started again leaves what it leaves undisturbed.

KDMRI_KILLS is the number of times for each command, KDMRI_KILLS_SEED another draw of the moments.
"""

import os
import shutil
import signal

import pytest
from faults import sameness
from faults.interrupted import SIGNALS, moments, run
from faults.scenarios import SCENARIOS

from kdmri_tf.files import EARLIER

KILLS = int(os.environ.get("KDMRI_KILLS", 2))
SEED = os.environ.get("KDMRI_KILLS_SEED", "0")
TRIES = 4
# What a process may end with that is hit as it starts, as it works, or as it ends.
STATUS = {
    signal.SIGKILL: {-signal.SIGKILL},
    signal.SIGTERM: {-signal.SIGTERM, 128 + signal.SIGTERM, 0},
    signal.SIGSTOP: {0},
}

pytestmark = [pytest.mark.slow, pytest.mark.faults]


def hit(scenario, folder, places, number, moment):
    """Runs the command until the signal hits it; returns how it ended."""
    for _ in range(TRIES):
        folder.mkdir()
        scenario.set_up(folder, places)
        ended = run(scenario.words(folder, places), number, moment)
        if ended.was_hit:
            return ended
        shutil.rmtree(folder)  # this computer was faster than before
        moment = moment.earlier(ended.seconds)
    return pytest.fail("the process was never hit")


def is_whole(folder, name, quiet):
    """Tells whether an output is still the earlier one or already the new one, and no part."""
    found = sameness.contents(folder)
    there = {path: digest for path, digest in found.items() if path.startswith(name)}
    # A folder takes two steps: between them the earlier one is kept in a hidden folder.
    aside = {
        path.split(f"/{EARLIER}/")[1]: digest
        for path, digest in found.items()
        if f"/{EARLIER}/" in path
    }
    there = there or {f"{name}/{path}": digest for path, digest in aside.items()}
    return any(
        there == {path: digest for path, digest in run.items() if path.startswith(name)}
        for run in (quiet.before, quiet.after)
    )


@pytest.mark.parametrize("trial", range(KILLS))
@pytest.mark.parametrize("name", SCENARIOS)
def test_stopped_and_started_again(name, trial, places, quiet, tally, tmp_path):
    scenario, expected, folder = SCENARIOS[name], quiet(name), tmp_path / "folder"
    number = SIGNALS[(trial + list(SCENARIOS).index(name)) % len(SIGNALS)]
    moment = moments(expected.ended, KILLS, f"{SEED} {name}")[trial]
    counts = tally("Signals survived")
    counts["tried"] += 1
    ended = hit(scenario, folder, places, number, moment)
    assert ended.status in STATUS[number], ended.text
    assert "Traceback" not in ended.text, ended.text
    if scenario.replaces:
        assert is_whole(folder, scenario.replaces, expected)
    if ended.status != 0:
        again = run(scenario.words(folder, places))
        assert again.status == 0, again.text
    after = sameness.contents(folder)
    assert after.keys() == expected.after.keys()
    assert [path for path in after if after[path] != expected.after[path]] == []
    counts["passed"] += 1
