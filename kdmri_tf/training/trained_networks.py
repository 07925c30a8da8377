"""The trained networks that a run folder holds, by the names under which tables compare them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kdmri_tf.evaluation.report import DISTILLED, FRIENDLY_TEACHER, STUDENT, TEACHER
from kdmri_tf.networks.network import Network
from kdmri_tf.networks.saved import weights_digest
from kdmri_tf.training.run_folder import MODEL_FILE, Stage
from kdmri_tf.training.stage_differences import CONFIG_FILE, check_config, read_config

# First word of a stage's folder -> what its network is.
ROLES = {
    "teacher": TEACHER,
    "sft": FRIENDLY_TEACHER,
    "student": STUDENT,
    "kd": DISTILLED,
    "joint": DISTILLED,
}

# Folder, in that of a run, of the student that is trained for as long as two stages.
LONGER = "twice-the-epochs"


def trained_in_words(run_dir: Path) -> str:
    """Says in a sentence for how long the stages of a run were trained, and from which seed.

    Args:
        run_dir: folder of the run.

    Returns:
        The sentence; empty if there is no finished stage, stages differ, or there is also a student
        that was trained for longer.

    Raises:
        InputError: the configuration of a stage is damaged.
    """
    stages = [path.parent for path in run_dir.glob(f"*/{MODEL_FILE}")]
    stages += [path.parent for path in (run_dir / LONGER).glob(f"*/{MODEL_FILE}")]
    configs = [read_config(stage) for stage in stages if (stage / CONFIG_FILE).exists()]
    found = {(config.get("epochs"), config.get("seed")) for config in configs}
    if len(found) != 1:
        return ""
    epochs, seed = found.pop()
    return f"Every stage was trained for {epochs} epoch{'s' * (epochs != 1)}, seed {seed}."


def finished_networks(run_dir: Path, config: Mapping[str, Any]) -> dict[str, Network]:
    """Loads the networks of all finished stages: name, such as "teacher", -> network.

    Networks are named by their roles if there is one for each role, all students have the same
    architecture and the KD student was taught by this very teacher; otherwise by their folders.
    Tables only compare what belongs together.

    Args:
        run_dir: folder of the run.
        config: `data_config` of the data on which they are to be compared.

    Raises:
        InputError: one was trained on other data or with another mask, or is damaged.
    """
    found: list[tuple[str, str, Network]] = []
    taught_by = set()
    for role, name in ROLES.items():
        for path in sorted(run_dir.glob(f"{role}-*/{MODEL_FILE}")):
            check_config(path.parent, config)
            found.append((name, path.parent.name, Stage(path.parent, config).load()))
            if name == DISTILLED:
                taught_by.add(read_config(path.parent).get("teacher_sha256"))
    roles = [name for name, _, _ in found]
    students = {net.architecture for name, _, net in found if name in (STUDENT, DISTILLED)}
    teachers = {weights_digest(net) for name, _, net in found if name == TEACHER}
    is_their_teacher = not (teachers and taught_by) or teachers == taught_by
    are_comparable = len(set(roles)) == len(roles) and len(students) <= 1 and is_their_teacher
    return {name if are_comparable else folder: network for name, folder, network in found}
