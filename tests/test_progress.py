"""Progress: a bar in a terminal, whole lines in a log, nothing for short work."""

import io
import sys

import pytest

from kdmri_tf import load_data, progress


class Stream(io.StringIO):
    """Standard error that is a terminal or not."""

    def __init__(self, is_terminal):
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self):
        return self.is_terminal


@pytest.fixture
def shown(monkeypatch):
    """Follows five items and returns what was written to such a standard error."""

    def follow(is_terminal, seconds_between_lines=0.0, **options):
        monkeypatch.setattr(sys, "stderr", Stream(is_terminal))
        monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", seconds_between_lines)
        done = list(progress.follow(range(5), what="evaluating", unit="volume", **options))
        assert done == list(range(5))
        return sys.stderr.getvalue()

    return follow


def test_a_terminal_has_a_bar(shown):
    text = shown(is_terminal=True, seconds_between_lines=30.0)
    assert "5/5" in text
    assert "\r" in text


def test_a_log_has_lines_of_their_own(shown):
    lines = shown(is_terminal=False).splitlines()
    assert len(lines) >= 5
    assert lines[-1].startswith("evaluating: 5 of 5 volumes, 00:00 so far")
    assert not any(set(line) & {"\r", "\b", "\x1b"} for line in lines)


def test_short_work_leaves_a_log_alone(shown):
    assert shown(is_terminal=False, seconds_between_lines=30.0) == ""


@pytest.mark.parametrize("is_terminal", [False, True])
def test_nothing_is_shown_where_that_is_asked_for(shown, is_terminal):
    assert shown(is_terminal, is_shown=False) == ""


def test_nothing_is_shown_where_there_is_no_standard_error(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    assert list(progress.follow(range(5), what="evaluating", unit="volume")) == list(range(5))


def test_without_items_the_work_itself_counts(monkeypatch):
    """A new description is a line at once: what is measured now."""
    monkeypatch.setattr(sys, "stderr", Stream(False))
    with progress.follow(what="measuring", unit="turn", total=4) as turns:
        turns.set_description("training, 48x48")
        turns.update()
    assert sys.stderr.getvalue() == "training, 48x48: 0 of 4 turns, 00:00 so far\n"


def test_preparing_a_data_set_says_how_far_it_is(manual_dir, tmp_path, capsys, monkeypatch):
    """In a log without the bars of TFDS, which draw over each other."""
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    where = {"manual_dir": manual_dir, "data_dir": tmp_path}
    load_data("cardiac", 2, source="folder", image_size=(36, 34), **where)
    error = capsys.readouterr().err
    assert "preparing cardiac, train: 3 of 3 volumes" in error
    assert not set(error) & {"\r", "\b", "\x1b"}
