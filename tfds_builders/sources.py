"""Which source a data set takes, and the volumes it offers. Imports no TensorFlow."""

import dataclasses
import logging
import textwrap
import warnings
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from kdmri_tf.errors import InputError
from kdmri_tf.files import printable
from tfds_builders.catalog import DATASETS
from tfds_builders.layouts import LAYOUTS
from tfds_builders.own_files import first_kspace
from tfds_builders.raw_volume import RawVolume, Splits
from tfds_builders.segmentations import segmentations

logger = logging.getLogger(__name__)


class SyntheticDataWarning(UserWarning):
    """Warns that no real data was found and synthetic phantoms are used instead."""


def resolve_source(
    dataset: str, source: str, manual_dir: str | PathLike[str] | None, coils: int | None = None
) -> str:
    """Returns the source to use.

    Args:
        dataset: "cardiac", "brain", "knee", "calgary" or "own".
        source: one of the data set's sources, returned as it is; or "auto": the first in the
            catalog with raw files under `manual_dir`, else "synthetic" with a
            `SyntheticDataWarning`, but for "own", whose files are the user's alone.
        manual_dir: folder with `<dataset>/<source>/...`, or None.
        coils: with a number of coils, "auto" looks for sources of raw k-space before the others.

    Raises:
        InputError: unknown data set or source, a `manual_dir` that is not a folder, or "auto" and
            no files of "own".
    """
    if dataset not in DATASETS:
        raise InputError(f"Unknown data set {dataset!r}: choose one of {', '.join(DATASETS)}.")
    sources = DATASETS[dataset].sources
    if source not in ("auto", *sources):
        raise InputError(
            f"Unknown source {source!r} for {dataset}: choose one of auto, {', '.join(sources)}."
        )
    if manual_dir is not None and not Path(manual_dir).expanduser().is_dir():
        raise InputError(
            f"The manual directory {manual_dir} is not a folder: give the folder that contains "
            f"{dataset}/<source>/ (--manual-dir; in code manual_dir), or leave it out."
        )
    if source != "auto":
        return source
    if manual_dir is not None:
        raw = DATASETS[dataset].kspace_sources if coils is not None else ()
        for candidate in dict.fromkeys([*raw, *sources]):
            if candidate in LAYOUTS and has_raw_files(dataset, candidate, manual_dir):
                return candidate
    if dataset == "own":
        raise InputError(missing_files(dataset, "folder", manual_dir))
    warnings.warn(_synthetic_box(dataset, manual_dir), SyntheticDataWarning, stacklevel=2)
    return "synthetic"


def raw_folder(dataset: str, source: str, manual_dir: str | PathLike[str]) -> Path:
    """Returns `<manual_dir>/<dataset>/<source>`."""
    return Path(manual_dir).expanduser() / dataset / source


def has_raw_files(dataset: str, source: str, manual_dir: str | PathLike[str]) -> bool:
    """Returns whether any volume of the source, in either split, is under `manual_dir`."""
    return any(LAYOUTS[source].find(raw_folder(dataset, source, manual_dir)).values())


def find_volumes(dataset: str, source: str, manual_dir: str | PathLike[str]) -> Splits:
    """Lists the volumes of a real source: split -> volumes, in a fixed order.

    Raises:
        InputError: no files at all (with the expected tree), none for one of the splits, a
            patient in both splits, or two volumes with the same name.
    """
    root = raw_folder(dataset, source, manual_dir)
    layout = LAYOUTS[source]
    splits = layout.find(root)
    if not any(splits.values()):
        raise InputError(missing_files(dataset, source, manual_dir))
    for split, volumes in splits.items():
        if not volumes:
            raise InputError(
                f"{dataset}/{source} has no {split} volumes: there is nothing to read in "
                f"{root / layout.places[split]}{_instead(source, root, [split])}. "
                f"Expected:\n{expected_tree(dataset, source)}"
            )
        names = [volume.name for volume in volumes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"{root} has two {split} volumes named {twice[0]}: rename one.")
    patients = [{volume.patient for volume in volumes} for volumes in splits.values()]
    shared = sorted(set.intersection(*patients))
    if shared:
        raise InputError(
            f"{root} has {shared[0]} both for training and for validation: remove one of the two, "
            "or rename it if it is a different person."
        )
    return splits


def report_unused_coils(dataset: str, source: str, manual_dir: str | PathLike[str] | None) -> None:
    """Warns of k-space of the user's own of which images are made, and of these simulated coils."""
    if source != "folder" or manual_dir is None:
        return
    root = raw_folder(dataset, source, manual_dir)
    found = first_kspace(LAYOUTS[source].find(root))
    if found is not None:
        logger.warning(
            "%s/%s: coils are simulated, though files hold k-space (such as %s). To train on their "
            "own coils, move them to %s/folder_kspace/, and leave out the source or give "
            "folder_kspace (--source; in code source).",
            *(dataset, source, printable(str(found.relative_to(root))), dataset),
        )


def report_unread(splits: Splits, dataset: str, source: str, root: Path) -> None:
    """Warns of what lies among the user's own volumes and is not read."""
    unread = LAYOUTS[source].unread
    left_out = [] if unread is None else unread(root, splits)
    if left_out:
        logger.warning(
            "%s/%s: left out, as nothing reads such files: %d (such as %s).",
            dataset,
            source,
            len(left_out),
            printable(str(left_out[0].relative_to(root))),
        )


def report_segmentations(splits: Splits, dataset: str, source: str) -> None:
    """Warns of segmentations among the user's own images, which would be trained on as images."""
    found = segmentations(splits) if source == "folder" else []
    if found:
        logger.warning(
            "%s/%s: read as images, though by their names they are segmentations of others: %d "
            "(such as %s). If they are, move them out of the folder.",
            *(dataset, source, len(found), found[0]),
        )


def with_patients(splits: Splits, dataset: str, source: str) -> Splits:
    """Returns the volumes of `find_volumes` with the patients that their files name.

    Warns of a patient in both splits: official splits are left as they are.
    """
    patient_of = LAYOUTS[source].patient_of
    if patient_of is None:
        return splits

    def named(volume: RawVolume) -> RawVolume:
        patient = patient_of(volume.files[0])
        if patient is None:
            return volume
        return dataclasses.replace(volume, patient=printable(patient))

    splits = {split: [named(volume) for volume in volumes] for split, volumes in splits.items()}
    patients = [{volume.patient for volume in volumes} for volumes in splits.values()]
    if shared := sorted(set.intersection(*patients)):
        logger.warning(
            "%s/%s: patients who are both in training and in validation, as their files say: %d "
            "(such as %s). Results on these are better than on others.",
            dataset,
            source,
            len(shared),
            shared[0],
        )
    return splits


def expected_tree(dataset: str, source: str) -> str:
    """Returns the raw files that a source expects, as indented text."""
    return f"<manual_dir>/{dataset}/{source}/\n" + textwrap.indent(LAYOUTS[source].tree, "    ")


def manual_instructions(dataset: str) -> str:
    """Returns the expected files of every real source of a data set, for TFDS to show."""
    trees = [expected_tree(dataset, name) for name in DATASETS[dataset].sources if name in LAYOUTS]
    return "Put the raw files of one source in its official layout:\n" + "\n".join(trees)


def missing_files(dataset: str, source: str, manual_dir: str | PathLike[str] | None) -> str:
    """Returns the message for a source whose raw files are missing."""
    if manual_dir is None:
        searched = "no manual directory was given (--manual-dir; in code manual_dir)"
    else:
        root = raw_folder(dataset, source, manual_dir)
        found = _instead(source, root, LAYOUTS[source].places)
        searched = f"there is nothing to read in {root}{found}"
    return (
        f"{dataset}/{source} needs raw files, but {searched}. "
        f"Expected:\n{expected_tree(dataset, source)}"
    )


def _instead(source: str, root: Path, splits: Iterable[str]) -> str:
    """Returns what there is instead of volumes, for the end of a sentence."""
    instead = LAYOUTS[source].instead
    found = "" if instead is None else instead(root, {split: [] for split in splits})
    return found and f" ({found})"


def _synthetic_box(dataset: str, manual_dir: str | PathLike[str] | None) -> str:
    lines = [
        f"NO REAL DATA for {dataset}: using SYNTHETIC phantoms.",
        "The results say nothing about real images.",
        "",
        "No manual directory was given." if manual_dir is None else "Found no raw files in:",
    ]
    if manual_dir is not None:
        real = [name for name in DATASETS[dataset].sources if name in LAYOUTS]
        lines += [f"  {raw_folder(dataset, name, manual_dir)}" for name in real]
    width = max(map(len, lines))
    edge = "#" * (width + 4)
    return "\n".join(["", edge, *(f"# {line:<{width}} #" for line in lines), edge])
