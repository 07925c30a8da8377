"""What the inference benchmark found: time, arithmetic, size and loss of every form."""

from dataclasses import dataclass, field

from kdmri_tf.benchmarks.digits import three_digits
from kdmri_tf.benchmarks.groups import Contender, Group
from kdmri_tf.benchmarks.ratios import in_times, paired_ratio
from kdmri_tf.benchmarks.report import Report
from kdmri_tf.evaluation.markdown import columns_as_table

# Marks columns of networks that did not take turns with each other, whose rounds are no pairs.
APART = "†"
APART_NOTE = f"{APART} Ratios of medians: here each network had a run of its own."


@dataclass(frozen=True, kw_only=True)
class InferenceContender(Contender):
    """Describes one form of a network.

    Attributes:
        precision: of its convolutions.
        file_size: in bytes, or None.
        loss: PSNR [dB] that it loses on slices like those of the network's training, or None.
    """

    precision: str = "float32"
    file_size: int | None = None
    loss: float | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class InferenceGroup(Group):
    """Names all forms of one network on the same slices, or the matrix products beside them.

    Attributes:
        contenders: forms of the network; the first is the reference.
        threads: of each contender.
        gigaflop: floating-point operations [10^9] of a slice.
        products: the group of matrix products with which it takes turns; None if it is one.
    """

    contenders: tuple[InferenceContender, ...]
    threads: int
    gigaflop: float
    products: "InferenceGroup | None" = None

    @property
    def conditions(self) -> str:
        """Returns such as "150x150, batch 1, 2 threads"."""
        height, width = self.image_size
        threads = f"{self.threads} thread{'s' * (self.threads > 1)}"
        return f"{height}x{width}, batch {self.batch_size}, {threads}"

    @property
    def title(self) -> str:
        return f"{self.work}, {self.conditions}"

    @property
    def facts(self) -> dict[str, str | int | float]:
        return {**super().facts, "threads": self.threads, "gigaflop_per_slice": self.gigaflop}


@dataclass(eq=False)
class InferenceReport(Report[InferenceGroup]):
    """Reports on groups of several networks; those with the same matrix products take turns.

    Attributes:
        papers: device -> how much faster the student is than the teacher in the papers.
        origins: what slices losses were measured on, in words.
    """

    papers: dict[str, float] = field(default_factory=dict)
    origins: tuple[str, ...] = ()

    @property
    def sessions(self) -> list[list[InferenceGroup]]:
        """Returns groups that take turns together, each after its matrix products."""
        sessions: dict[InferenceGroup, list[InferenceGroup]] = {}
        for group in self.groups:
            sessions.setdefault(_products(group), [_products(group)]).append(group)
        return list(sessions.values())

    def columns(self, group: InferenceGroup) -> dict[str, list[str]]:
        """Returns a group's table: heading -> cells, one per contender."""
        contenders = group.contenders
        speeds = [self.median_speed(group, contender.name) for contender in contenders]
        columns = {
            "": [contender.name for contender in contenders],
            "ms a slice": ["failed" if s is None else three_digits(1000 / s) for s in speeds],
            f"vs {contenders[0].name}": self.times(group, contenders[0].name),
            **self.rival_columns(group),
            "GFLOP/s": ["-" if s is None else f"{s * group.gigaflop:.0f}" for s in speeds],
            "of matrix product": [self._share(group, contender) for contender in contenders],
            "file size": [
                "-" if contender.file_size is None else f"{contender.file_size / 1e3:.0f} kB"
                for contender in contenders
            ],
            "peak memory": self.peak_memories(group),
        }
        if any(contender.loss is not None for contender in contenders):
            columns["PSNR loss"] = [
                "-" if contender.loss is None else f"{contender.loss:z.4f} dB"
                for contender in contenders
            ]
        return columns

    def sections(self) -> list[str]:
        """Returns the tables of groups, of matrix products and of students' speed-ups."""
        return [*super().sections(), *self._matrix_products(), *self._speed_ups()]

    def _share(self, group: InferenceGroup, contender: InferenceContender) -> str:
        """Returns arithmetic a second, as a share of that of matrix products in the same round."""
        precision = "bfloat16" if contender.precision == "bfloat16" else "float32"
        products = _products(group)
        speeds = self.speeds(group, contender.name)
        ratio = paired_ratio(speeds, self.speeds(products, precision))
        return "-" if ratio is None else f"{ratio * group.gigaflop / products.gigaflop:.0%}"

    def _matrix_products(self) -> list[str]:
        """Returns the table of the arithmetic of matrix products a second in each session."""
        columns: dict[str, list[str]] = {"": [], "float32": [], "bfloat16": []}
        for products, *groups in self.sessions:
            networks = " and ".join(group.work for group in groups)
            columns[""].append(f"{networks}, {groups[0].conditions}")
            for precision in ("float32", "bfloat16"):
                speed = self.median_speed(products, precision)
                value = "failed" if speed is None else f"{speed * products.gigaflop:.0f}"
                columns[precision].append(value)
        side = _products(self.groups[0]).image_size[0]
        title = f"### Matrix products of {side}x{side} beside them, GFLOP/s"
        return [f"{title}\n\n{columns_as_table(columns)}"]

    def _speed_ups(self) -> list[str]:
        """Returns tables of how many times faster each network is than the first, by form."""
        networks = list(dict.fromkeys(group.work for group in self.groups))
        groups = {(group.work, group.conditions): group for group in self.groups}
        conditions = list(dict.fromkeys(group.conditions for group in self.groups))
        sections = []
        for network in networks[1:]:
            names = [contender.name for contender in groups[network, conditions[0]].contenders]
            columns = {"": [*names, *(f"the papers, {device}" for device in self.papers)]}
            notes = []
            for condition in conditions:
                group, first = groups[network, condition], groups[networks[0], condition]
                heading = condition
                if _products(group) is not _products(first):
                    heading, notes = f"{condition} {APART}", [APART_NOTE]
                ratios = [self._faster(group, first, name) for name in names]
                columns[heading] = [*map(in_times, ratios), *map(in_times, self.papers.values())]
            title = f"### {network}, times faster than {networks[0]}"
            sections.append("\n\n".join([title, columns_as_table(columns), *notes]))
        return sections

    def _faster(self, group: InferenceGroup, other: InferenceGroup, name: str) -> float | None:
        """Returns how many times faster a form of one network is than that of another."""
        if _products(group) is _products(other):
            return paired_ratio(self.speeds(group, name), self.speeds(other, name))
        speed, others = self.median_speed(group, name), self.median_speed(other, name)
        return None if speed is None or others is None else speed / others


def _products(group: InferenceGroup) -> InferenceGroup:
    """Returns the matrix products beside a group of networks."""
    assert group.products is not None
    return group.products
