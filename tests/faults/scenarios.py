"""Every script on tiny data: what it starts from, how it is called, and what is there already."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from command_line import command

SIZE = (36, 34)
DATA = (
    *("--dataset", "cardiac", "--source", "folder", "--acc", "2"),
    *("--manual-dir", "{raw}", "--data-dir", "{prepared}"),
    *("--image-size", *map(str, SIZE)),
)
NETWORKS = ("--teacher", "D3C2", "--student", "D2C2")
# Slices side by side would only make larger graphs to trace; one scenario has them.
TRAINING = ("--epochs", "6", "--filters", "4", "--batch-size", "2", "--whole-batches")
RUN = ("--run-dir", "{folder}/run")

TEACHER, STUDENT, ATTENTION, DISTILLED = "teacher-D3C2", "student-D2C2", "at-D2C2", "kd-at-D2C2"
ALONE = (TEACHER, STUDENT)
STAGES = (*ALONE, ATTENTION, DISTILLED)
TABLES = ("evaluation.md", "evaluation.csv", "evaluation.json", "reconstructions.png")
EXPORTS = {
    "saved_model": "saved_model",
    "litert": "student.tflite",
    "onnx": "student.onnx",
    "openvino": "openvino",
}


@dataclass(frozen=True)
class Scenario:
    """One command, and the folder in which it finds what it needs.

    Attributes:
        script: in `train/`.
        arguments: with `{folder}`, `{raw}`, `{prepared}`, `{finished}` and `{volume}` in braces.
        begins_with: stages and files of a finished run of `kdmri kd` that it finds in its own run.
        replaces: output that an earlier command has left; the whole new one takes its place.
    """

    script: str
    arguments: tuple[str, ...]
    begins_with: tuple[str, ...] = ()
    replaces: str | None = None

    def words(self, folder: Path, places: Mapping[str, Path]) -> list[str]:
        """Returns the command line."""
        filled = (word.format(folder=folder, **places) for word in self.arguments)
        return command(self.script, *filled)

    def set_up(self, folder: Path, places: Mapping[str, Path]) -> None:
        """Lays out the folder as the command finds it, which is there and empty."""
        run = folder / "run"
        run.mkdir()
        for name in self.begins_with:
            _copy(places["finished"] / name, run)
        if self.replaces is not None:
            _copy(places["earlier"] / self.replaces, folder)


def _copy(source: Path, folder: Path) -> None:
    copy = shutil.copytree if source.is_dir() else shutil.copy
    copy(source, folder / source.name)


def _kd(*flags: str, begins_with: tuple[str, ...] = ()) -> Scenario:
    return Scenario("kd", (*DATA, *TRAINING, *NETWORKS, *RUN, *flags), begins_with)


def export(format: str) -> Scenario:
    """Returns the export of the distilled student over an earlier one of the teacher."""
    name = EXPORTS[format]
    words = (f"{{finished}}/{DISTILLED}/model.keras", "--format", format)
    return Scenario("export", (*words, "--output", f"{{folder}}/{name}"), replaces=name)


def reconstruct(network: str, name: str) -> Scenario:
    """Returns the reconstruction of a volume over an earlier file."""
    words = (network, "{volume}", f"{{folder}}/{name}", "--acc", "2", "--batch-size", "1")
    return Scenario("reconstruct", words, replaces=name)


FINISHED = _kd()
SCENARIOS = {
    **{f"export-{format}": export(format) for format in EXPORTS},
    "reconstruct-nifti": reconstruct("{finished}/saved_model", "heart.nii.gz"),
    "reconstruct-hdf5": reconstruct(f"{{finished}}/{DISTILLED}/model.keras", "heart.h5"),
    "prepare": Scenario("evaluate", (*DATA, "--data-dir", "{folder}/data", *RUN)),
    "teacher": Scenario(
        "teacher",
        (*DATA, "--epochs", "12", "--filters", "4", "--batch-size", "1", "--teacher", "D2C1", *RUN),
    ),
    "student": Scenario("student", (*DATA, *TRAINING, "--student", "D2C2", *RUN)),
    "kd": FINISHED,
    "kd-attention": _kd(begins_with=ALONE),
    "kd-distillation": _kd(begins_with=(*ALONE, ATTENTION)),
    "kd-table-and-export": _kd(begins_with=(*STAGES, *TABLES, "saved_model")),
    "kd-cache-on-disk": _kd("--teacher-memory", "1e-6", begins_with=ALONE),
    "sft": Scenario("sft", (*DATA, *TRAINING, *NETWORKS, *RUN), STAGES),
    "superres": Scenario(
        "superres",
        (
            *(word for word in DATA if word not in ("--acc", "2")),
            *(*TRAINING, "--teacher", "VDSR4", "--student", "VDSR2", *RUN),
        ),
    ),
    "evaluate": Scenario("evaluate", (*DATA, "--whole-batches", *RUN), (*STAGES, *TABLES)),
    "compare-methods": Scenario(
        "compare",
        ("methods", *DATA, *TRAINING, *NETWORKS, "--methods", "at", "fitnets", *RUN),
        STAGES,
    ),
}
