"""What a benchmark found: every turn, medians and paired ratios, written as table and figure."""

import csv
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from kdmri_tf.benchmarks.digits import one_decimal
from kdmri_tf.benchmarks.groups import Group
from kdmri_tf.benchmarks.ratios import in_times, paired_ratio
from kdmri_tf.benchmarks.speed_figure import speed_figure
from kdmri_tf.errors import InputError, in_one_line
from kdmri_tf.evaluation.markdown import columns_as_table
from kdmri_tf.files import replacing
from kdmri_tf.pictures import draw

AnyGroup = TypeVar("AnyGroup", bound=Group)


@dataclass(frozen=True, eq=False)
class Turn:
    """Records one turn of one contender.

    Attributes:
        group: of the contender.
        contender: its name.
        round: number of the round, from 1.
        slices: that it did.
        seconds: that they took.
        peak_memory: of its process so far, in bytes; None if it is not known.
    """

    group: Group
    contender: str
    round: int
    slices: int
    seconds: float
    peak_memory: int | None


@dataclass(eq=False)
class Report(Generic[AnyGroup]):
    """Collects the turns of all groups and writes what they show.

    Attributes:
        title: such as "Training".
        device: where it was measured, in words.
        groups: in the order of the table.
        notes: paragraphs below the tables.
        turns: of all contenders.
        failures: (group, contender) -> why it was left out.
    """

    title: str
    device: str
    groups: list[AnyGroup]
    notes: tuple[str, ...] = ()
    turns: list[Turn] = field(default_factory=list)
    failures: dict[tuple[Group, str], str] = field(default_factory=dict)

    @property
    def sessions(self) -> list[list[AnyGroup]]:
        """Returns groups whose contenders take turns with each other: here each on its own."""
        return [[group] for group in self.groups]

    def speeds(self, group: Group, contender: str) -> dict[int, float]:
        """Returns round -> slices a second."""
        return {
            turn.round: turn.slices / turn.seconds
            for turn in self.turns
            if turn.group is group and turn.contender == contender
        }

    def median_speed(self, group: Group, contender: str) -> float | None:
        """Returns the median over rounds of slices a second; None without a turn."""
        speeds = self.speeds(group, contender).values()
        return statistics.median(speeds) if speeds else None

    def ratio(self, group: Group, contender: str, other: str) -> float | None:
        """Returns how many times faster a contender is: the median of the rounds' ratios."""
        return paired_ratio(self.speeds(group, contender), self.speeds(group, other))

    def fastest(self, group: Group, contenders: Sequence[str]) -> str:
        """Returns the contender with the highest median speed."""
        return max(contenders, key=lambda name: self.median_speed(group, name) or 0)

    def check_any_turn(self) -> None:
        """Refuses a report whose contenders have all failed.

        Raises:
            InputError: none of them has a turn; it says why the first one failed.
        """
        failures = {key: why for key, why in self.failures.items() if key[0] in self.groups}
        if not failures or any(turn.group in self.groups for turn in self.turns):
            return
        (group, contender), why = next(iter(failures.items()))
        raise InputError(
            f"Nothing was measured, as every contender failed, first {contender} ({group.title}): "
            f"{in_one_line(why)}. Put that right, or measure something else."
        )

    def write(self, folder: Path, name: str) -> str:
        """Writes `<name>.md`, `.csv` and `.png`; returns the text of the first."""
        table = self.to_markdown()
        with replacing(folder / f"{name}.md") as place:
            place.write_text(table, encoding="utf-8")
        with replacing(folder / f"{name}.csv") as place:
            self.to_csv(place)
        draw(folder / f"{name}.png", self.to_figure)
        return table

    def to_markdown(self) -> str:
        """Returns caption, sections and notes."""
        caption = (
            f"**{self.title} on {self.device}.** Medians over the rounds of one interleaved run; a "
            "ratio is the median of the ratios within each round, above 1 where the row is faster."
        )
        return "\n\n".join([caption, *self.sections(), *self.notes]) + "\n"

    def sections(self) -> list[str]:
        """Returns the table of each group, and what failed."""
        return [
            "\n\n".join(
                [f"### {group.title}", columns_as_table(self.columns(group)), *self._failed(group)]
            )
            for group in self.groups
        ]

    def to_csv(self, path: Path) -> None:
        """Writes one line per turn."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            measured = ("contender", "round", "slices", "seconds")
            header = (*self.groups[0].facts, *measured, "slices_per_second", "peak_memory_bytes")
            writer = csv.writer(file)
            writer.writerow([*header, "device"])
            for turn in self.turns:
                values = [*turn.group.facts.values(), *(getattr(turn, name) for name in measured)]
                values += [turn.slices / turn.seconds, turn.peak_memory, self.device]
                writer.writerow(values)

    def to_figure(self, path: Path) -> None:
        """Draws the median speeds as bars, one panel per group, with the ratio to the reference."""
        panels = []
        for group in self.groups:
            names = [contender.name for contender in group.contenders]
            speeds = [self.median_speed(group, name) for name in names]
            panels.append((group, list(zip(speeds, self._ratios(group, names[0]), strict=True))))
        speed_figure(f"{self.title}, slices a second on {self.device}", panels, path)

    def columns(self, group: AnyGroup) -> dict[str, list[str]]:
        """Returns a group's table: heading -> cells, one per contender."""
        names = [contender.name for contender in group.contenders]
        columns = {
            "": names,
            "slices/s": [
                "failed" if speed is None else one_decimal(speed)
                for speed in (self.median_speed(group, name) for name in names)
            ],
            f"vs {names[0]}": self.times(group, names[0]),
        }
        if any(contender.previous for contender in group.contenders):
            columns["vs row above"] = [
                "-" if c.previous is None else in_times(self.ratio(group, c.name, c.previous))
                for c in group.contenders
            ]
        return columns | self.rival_columns(group) | {"peak memory": self.peak_memories(group)}

    def rival_columns(self, group: AnyGroup) -> dict[str, list[str]]:
        """Returns comparisons with the fastest of each of the group's `rivals`."""
        return {
            f"vs {heading}": self.times(group, self.fastest(group, rivals))
            for heading, rivals in group.rivals.items()
        }

    def peak_memories(self, group: Group) -> list[str]:
        """Returns the highest peak memory of each contender."""
        peaks = {contender.name: 0 for contender in group.contenders}
        for turn in self.turns:
            if turn.group is group:
                peaks[turn.contender] = max(peaks[turn.contender], turn.peak_memory or 0)
        return [f"{peak / 1e9:.2f} GB" if peak else "-" for peak in peaks.values()]

    def _ratios(self, group: Group, other: str) -> list[float | None]:
        return [self.ratio(group, contender.name, other) for contender in group.contenders]

    def times(self, group: Group, other: str) -> list[str]:
        """Returns how many times faster each contender is than another."""
        return [in_times(ratio) for ratio in self._ratios(group, other)]

    def _failed(self, group: Group) -> list[str]:
        return [
            f"Failed: {contender.name}: {self.failures[group, contender.name]}"
            for contender in group.contenders
            if (group, contender.name) in self.failures
        ]
