"""The trained networks that a run folder holds, by the names under which tables compare them."""

from kdmri_tf.report import DISTILLED, STUDENT, TEACHER
from kdmri_tf.runs import check_config, load_network

# First word of a stage's folder -> what its network is.
ROLES = {
    "teacher": TEACHER,
    "sft": "SFT teacher",
    "student": STUDENT,
    "kd": DISTILLED,
    "joint": DISTILLED,
}


def finished_networks(run_dir, config):
    """The networks of all finished stages: name, such as "teacher", -> network.

    Networks are named by their roles where each role has one and the students are of one
    architecture, and else by their folders: tables compare only what belongs together.

    Args:
        run_dir: `Path` of the run.
        config: `data_config` of the data on which they are to be compared.

    Raises:
        InputError: one was trained on other data or under another mask.
    """
    found = []
    for role, name in ROLES.items():
        for path in sorted(run_dir.glob(f"{role}-*/model.keras")):
            check_config(path.parent, config)
            found.append((name, path.parent.name, load_network(path)))
    roles = [name for name, _, _ in found]
    students = {net.architecture for name, _, net in found if name in (STUDENT, DISTILLED)}
    are_comparable = len(set(roles)) == len(roles) and len(students) <= 1
    return {name if are_comparable else folder: network for name, folder, network in found}
