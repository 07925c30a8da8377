"""What a benchmark found: every turn, medians, paired ratios, and their table and figure."""

import csv
import statistics
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

COLOURS = {
    "TensorFlow": "C0",
    "PyTorch": "C1",
    "LiteRT": "C2",
    "ONNX Runtime": "C3",
    "OpenVINO": "C4",
}

# Lengths in inches.
WIDTH = 7.5
BAR_HEIGHT = 0.24
TITLE_HEIGHT = 0.45
DOTS_PER_INCH = 150


@dataclass(frozen=True)
class Contender:
    """One way to do the work of its group.

    Attributes:
        name: in tables and figures.
        command: the process, as `benchmark` describes it.
        environment: variables that it gets in addition.
        framework: key of `COLOURS`.
        previous: name of the contender to which it adds one choice, or None.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    framework: str = "TensorFlow"
    previous: str | None = None


@dataclass(frozen=True, eq=False)
class Group:
    """Contenders that do the same work and are compared with each other.

    Attributes:
        work: what they do, such as "distillation".
        image_size: (H, W).
        batch_size: slices a step.
        contenders: `Contender`s; the first is the reference.
        rivals: heading -> names of contenders, the fastest of which the others are compared with.
    """

    work: str
    image_size: tuple[int, int]
    batch_size: int
    contenders: tuple[Contender, ...]
    rivals: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Such as "distillation, 150x150, batch 4"."""
        height, width = self.image_size
        return f"{self.work}, {height}x{width}, batch {self.batch_size}"

    @property
    def facts(self) -> dict:
        """What distinguishes it from other groups: column -> value."""
        height, width = self.image_size
        return {"work": self.work, "height": height, "width": width, "batch_size": self.batch_size}


@dataclass(frozen=True, eq=False)
class Turn:
    """One turn of one contender; `peak_memory` in bytes, of its process so far, or None."""

    group: Group
    contender: str
    round: int
    slices: int
    seconds: float
    peak_memory: int | None


@dataclass(eq=False)
class Report:
    """The turns of all groups.

    Attributes:
        title: such as "Training".
        device: what was measured on, in words.
        groups: `Group`s in the order of the table.
        notes: paragraphs below the tables.
        turns: `Turn`s.
        failures: (group, contender) -> why it was left out.
    """

    title: str
    device: str
    groups: list[Group]
    notes: tuple[str, ...] = ()
    turns: list[Turn] = field(default_factory=list)
    failures: dict[tuple[Group, str], str] = field(default_factory=dict)

    @property
    def sessions(self) -> list[list[Group]]:
        """Groups whose contenders take turns with each other: here each for itself."""
        return [[group] for group in self.groups]

    def speeds(self, group: Group, contender: str) -> dict[int, float]:
        """Round -> slices a second."""
        return {
            turn.round: turn.slices / turn.seconds
            for turn in self.turns
            if turn.group is group and turn.contender == contender
        }

    def median_speed(self, group: Group, contender: str) -> float | None:
        """Median over rounds of slices a second; None without a turn."""
        speeds = self.speeds(group, contender).values()
        return statistics.median(speeds) if speeds else None

    def ratio(self, group: Group, contender: str, other: str) -> float | None:
        """How many times faster a contender is than another: median of the ratio of each round."""
        return paired_ratio(self.speeds(group, contender), self.speeds(group, other))

    def fastest(self, group: Group, contenders: tuple[str, ...]) -> str:
        """The contender with the highest median speed."""
        return max(contenders, key=lambda name: self.median_speed(group, name) or 0)

    def write(self, folder: Path, name: str) -> str:
        """Writes `<name>.md`, `.csv` and `.png`; returns the text of the first."""
        table = self.to_markdown()
        (folder / f"{name}.md").write_text(table, encoding="utf-8")
        self.to_csv(folder / f"{name}.csv")
        self.to_figure(folder / f"{name}.png")
        return table

    def to_markdown(self) -> str:
        """Caption, sections and notes."""
        caption = (
            f"**{self.title} on {self.device}.** Medians over the rounds of one interleaved run; a "
            "ratio is the median of the ratios within each round, above 1 where the row is faster."
        )
        return "\n\n".join([caption, *self.sections(), *self.notes]) + "\n"

    def sections(self) -> list[str]:
        """The table of each group, and what failed."""
        return [
            "\n\n".join(
                [f"### {group.title}", markdown_table(self.columns(group)), *self._failed(group)]
            )
            for group in self.groups
        ]

    def to_csv(self, path: str | Path) -> None:
        """Writes one line a turn."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            measured = ("contender", "round", "slices", "seconds")
            header = (*self.groups[0].facts, *measured, "slices_per_second", "peak_memory_bytes")
            writer = csv.writer(file)
            writer.writerow([*header, "device"])
            for turn in self.turns:
                values = [*turn.group.facts.values(), *(getattr(turn, name) for name in measured)]
                values += [turn.slices / turn.seconds, turn.peak_memory, self.device]
                writer.writerow(values)

    def to_figure(self, path: str | Path) -> None:
        """Draws the median speeds as bars, one panel a group, with the ratio to the reference."""
        heights = [BAR_HEIGHT * len(group.contenders) + TITLE_HEIGHT for group in self.groups]
        figure = Figure(figsize=(WIDTH, TITLE_HEIGHT + sum(heights)), layout="constrained")
        figure.suptitle(f"{self.title}, slices a second on {self.device}", fontsize=10)
        panels = figure.subplots(
            len(heights), squeeze=False, gridspec_kw={"height_ratios": heights}
        )
        for group, axes in zip(self.groups, panels[:, 0], strict=True):
            self._draw(group, axes)
        figure.savefig(path, dpi=DOTS_PER_INCH, format="png")

    def _draw(self, group: Group, axes) -> None:
        names = [contender.name for contender in group.contenders]
        speeds = [self.median_speed(group, name) for name in names]
        colours = [COLOURS[contender.framework] for contender in group.contenders]
        bars = axes.barh(names, [speed or 0 for speed in speeds], color=colours)
        labels = [
            "failed" if speed is None else f"{speed:.1f} ({in_times(ratio)})"
            for speed, ratio in zip(speeds, self._ratios(group, names[0]), strict=True)
        ]
        axes.bar_label(bars, labels, padding=3, fontsize=7)
        axes.set_title(group.title, fontsize=8, loc="left")
        axes.tick_params(labelsize=7)
        axes.margins(x=0.15)
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)

    def columns(self, group: Group) -> dict[str, list[str]]:
        """A group's table: heading -> cells, one a contender."""
        names = [contender.name for contender in group.contenders]
        columns = {
            "": names,
            "slices/s": [
                "failed" if speed is None else f"{speed:.1f}"
                for speed in (self.median_speed(group, name) for name in names)
            ],
            f"vs {names[0]}": self.times(group, names[0]),
        }
        if any(contender.previous for contender in group.contenders):
            columns["vs row above"] = [
                in_times(previous and self.ratio(group, name, previous))
                for name, previous in ((c.name, c.previous) for c in group.contenders)
            ]
        return columns | self.rival_columns(group) | {"peak memory": self.peak_memories(group)}

    def rival_columns(self, group: Group) -> dict[str, list[str]]:
        """Comparisons with the fastest of each of the group's `rivals`."""
        return {
            f"vs {heading}": self.times(group, self.fastest(group, rivals))
            for heading, rivals in group.rivals.items()
        }

    def peak_memories(self, group: Group) -> list[str]:
        """The highest peak memory of each contender."""
        peaks = {contender.name: 0 for contender in group.contenders}
        for turn in self.turns:
            if turn.group is group:
                peaks[turn.contender] = max(peaks[turn.contender], turn.peak_memory or 0)
        return [f"{peak / 1e9:.2f} GB" if peak else "-" for peak in peaks.values()]

    def _ratios(self, group: Group, other: str) -> list[float | None]:
        return [self.ratio(group, contender.name, other) for contender in group.contenders]

    def times(self, group: Group, other: str) -> list[str]:
        """How many times faster each contender is than another."""
        return [in_times(ratio) for ratio in self._ratios(group, other)]

    def _failed(self, group: Group) -> list[str]:
        return [
            f"Failed: {contender.name}: {self.failures[group, contender.name]}"
            for contender in group.contenders
            if (group, contender.name) in self.failures
        ]


def paired_ratio(speeds: dict[int, float], others: dict[int, float]) -> float | None:
    """Median over rounds of the ratio of two speeds; None without a common round."""
    ratios = [speeds[number] / others[number] for number in speeds if number in others]
    return statistics.median(ratios) if ratios else None


def in_times(ratio: float | None) -> str:
    """Such as "2.00x"."""
    return "-" if ratio is None else f"{ratio:.2f}x"


def markdown_table(columns: dict[str, list[str]]) -> str:
    """A table of columns, heading -> cells."""
    rows = [columns, ["---"] * len(columns), *zip(*columns.values(), strict=True)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
