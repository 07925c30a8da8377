"""The trained networks that a run folder holds, by the names under which tables compare them."""

from kdmri_tf.evaluation.report import DISTILLED, FRIENDLY_TEACHER, STUDENT, TEACHER
from kdmri_tf.networks.saved import load_network, weights_digest
from kdmri_tf.training.stage_differences import check_config, read_config

# First word of a stage's folder -> what its network is.
ROLES = {
    "teacher": TEACHER,
    "sft": FRIENDLY_TEACHER,
    "student": STUDENT,
    "kd": DISTILLED,
    "joint": DISTILLED,
}


def finished_networks(run_dir, config):
    """The networks of all finished stages: name, such as "teacher", -> network.

    Networks are named by their roles where each role has one, the students are of one architecture
    and the KD student's teacher is the teacher, and else by their folders: tables compare only what
    belongs together.

    Args:
        run_dir: `Path` of the run.
        config: `data_config` of the data on which they are to be compared.

    Raises:
        InputError: one was trained on other data or under another mask.
    """
    found, taught_by = [], set()
    for role, name in ROLES.items():
        for path in sorted(run_dir.glob(f"{role}-*/model.keras")):
            check_config(path.parent, config)
            found.append((name, path.parent.name, load_network(path)))
            if name == DISTILLED:
                taught_by.add(read_config(path.parent).get("teacher_sha256"))
    roles = [name for name, _, _ in found]
    students = {net.architecture for name, _, net in found if name in (STUDENT, DISTILLED)}
    teachers = {weights_digest(net) for name, _, net in found if name == TEACHER}
    is_their_teacher = not (teachers and taught_by) or teachers == taught_by
    are_comparable = len(set(roles)) == len(roles) and len(students) <= 1 and is_their_teacher
    return {name if are_comparable else folder: network for name, folder, network in found}
