"""A command on a full disk ends in one sentence, destroys nothing, and goes on when there is room.

With no room at all, and with half of what it needs, so that it fails later.
"""

import re

import pytest
from faults import sameness
from faults.interrupted import run
from faults.scenarios import SCENARIOS
from full_disk import filled, small_disk

pytestmark = [pytest.mark.slow, pytest.mark.faults]


@pytest.mark.parametrize("share", [0, 0.5])
@pytest.mark.parametrize("name", SCENARIOS)
def test_full_disk(name, share, places, quiet, tally, tmp_path):
    scenario, expected = SCENARIOS[name], quiet(name)
    with small_disk(tmp_path / "disk") as disk:
        counts = tally("Full disks survived")
        counts["tried"] += 1
        scenario.set_up(disk, places)
        with filled(disk, leaving=int(share * expected.num_bytes)):
            ended = run(scenario.words(disk, places))
        assert "Traceback" not in ended.text, ended.text
        errors = [line for line in ended.lines if line.startswith("error: ")]
        if ended.status == 0:  # all but a picture was there, which is no reason to fail
            assert "could not be drawn (No space left on device)" in ended.text
        else:
            assert (ended.status, errors) == (2, ended.lines[-1:]), ended.text
            assert re.search(r"(?i)no space left|disk space|make room", errors[0])
        there = sameness.contents(disk)
        for path, digest in expected.before.items():
            assert there[path] in (digest, expected.after[path]), path
        again = run(scenario.words(disk, places))
        assert again.status == 0, again.text
        assert sameness.contents(disk) == expected.after
        counts["passed"] += 1
