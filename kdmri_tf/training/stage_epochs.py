"""For how long the students of a table were trained: the epochs of all stages that led to each."""

from collections.abc import Mapping
from pathlib import Path

import keras

from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.report import TEACHER
from kdmri_tf.networks.network import Network
from kdmri_tf.networks.saved import load_network, weights_digest
from kdmri_tf.training.run_folder import MODEL_FILE, SFT_STUDENT
from kdmri_tf.training.stage_differences import CONFIG_FILE, read_config
from kdmri_tf.training.trained_networks import LONGER

NUMBERS = {2: "two", 3: "three"}
TEACHERS = ("teacher-", "sft-")  # how stages begin whose networks teach

Origin = tuple[str, int, str | None]  # stage, its epochs, digest of the weights that it began with


def unequal_epochs_in_words(run_dir: Path, networks: Mapping[str, keras.Model]) -> str:
    """Says in a sentence how long each student was trained, where that differs.

    A stage that began with the weights of another continues it: distillation on images that on
    features, and this the training with branches or alone that the student may have started from.

    Args:
        run_dir: folder of the run.
        networks: name in the table -> network; those of no stage of this run are left out.

    Returns:
        The sentence; empty if all were trained as long, or a stage cannot be read.
    """
    try:
        origins = _origins(run_dir)
    except (InputError, KeyError):
        return ""
    names: dict[tuple[int, ...], list[str]] = {}
    for name, network in networks.items():
        # By its name, as it may have the very weights of the student alone.
        epochs = () if name == TEACHER else _epochs(weights_digest(network), origins)
        if epochs:
            names.setdefault(epochs, []).append(name)
    if len({sum(epochs) for epochs in names}) < 2:
        return ""
    parts = [
        f"{_in_words(epochs)} ({'; '.join(names[epochs])})"
        for epochs in sorted(names, key=lambda epochs: (sum(epochs), len(epochs)))
    ]
    return f"Students were not all trained for as long: {', '.join(parts)}."


def _origins(run_dir: Path) -> dict[str, Origin]:
    """Returns the digest of what each finished stage left -> how that came to be."""
    paths = [*run_dir.glob(f"*/{MODEL_FILE}"), *(run_dir / LONGER).glob(f"*/{MODEL_FILE}")]
    stages = [path.parent for path in paths if (path.parent / CONFIG_FILE).exists()]
    origins = {}
    # Teachers first: one of the student's architecture and seed has its very weights.
    for stage in sorted(stages, key=lambda stage: not stage.name.startswith(TEACHERS)):
        config = read_config(stage)
        origin = (stage.name, config["epochs"], config.get("start_sha256"))
        origins[weights_digest(load_network(stage / MODEL_FILE))] = origin
        if (stage / SFT_STUDENT).exists():
            of_student = (SFT_STUDENT, *origin[1:])
            origins |= dict.fromkeys(_starts(load_network(stage / SFT_STUDENT)), of_student)
    return origins


def _starts(student: Network) -> list[str]:
    """Returns the digests of what starts from SFT: its first cascade as it was, or the second's."""
    digests = [weights_digest(student)]
    if len(student.blocks) > 1 and not getattr(student, "shared", False):
        student.blocks[0].set_weights(student.blocks[1].get_weights())
        digests.append(weights_digest(student))
    return digests


def _epochs(digest: str | None, origins: Mapping[str, Origin]) -> tuple[int, ...]:
    """Returns the epochs of each stage up to these weights; none for a teacher."""
    epochs: list[int] = []
    seen: set[str] = set()  # a stage that changed nothing began with what it left
    while digest is not None and digest in origins and digest not in seen:
        seen.add(digest)
        stage, of_stage, digest = origins[digest]
        if not epochs and stage.startswith(TEACHERS):
            return ()
        epochs.insert(0, of_stage)
    return tuple(epochs)


def _in_words(epochs: tuple[int, ...]) -> str:
    """Writes such as "20 epochs" or "2 x 20 in two stages"."""
    count = len(epochs)
    if count == 1:
        return f"{epochs[0]} epoch{'s' * (epochs[0] != 1)}"
    same = len(set(epochs)) == 1
    shown = f"{count} x {epochs[0]}" if same else " + ".join(map(str, epochs))
    return f"{shown} in {NUMBERS.get(count, count)} stages"
