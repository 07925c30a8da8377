"""What is known of a trained network and should travel with it."""

import json
from pathlib import Path

from kdmri_tf.runs import WEIGHTS_DIGEST, weights_digest


def describe(model_path, network):
    """The facts that travel with an exported network, as JSON values.

    Its architecture with all arguments and, where the `.keras` file lies in the folder of its
    stage: the configuration of that stage (data set, source, mask, acceleration and settings), the
    lines that the mask measures, and its metrics, if an evaluation in that folder, in its run or in
    a folder of results there measured these very weights.
    """
    folder = Path(model_path).parent
    try:
        stage = json.loads((folder / "config.json").read_text())
        known = {**stage["config"], **stage.get("facts", {})}
    except (OSError, ValueError, KeyError, TypeError):
        known = {}  # the folder of something else
    return {**known, **network.facts, "metrics": _metrics(folder, weights_digest(network))}


def _metrics(folder, digest):
    """Mean and deviation of each metric of the network with that digest, or None."""
    run_dir = folder.parent
    places = (folder, run_dir, *sorted(path.parent for path in run_dir.glob("*/evaluation.json")))
    for place in places:
        try:
            networks = json.loads((place / "evaluation.json").read_text())["networks"]
            for values in networks.values():
                if values.get(WEIGHTS_DIGEST) == digest:
                    return {key: value for key, value in values.items() if key != WEIGHTS_DIGEST}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # the file of something else
    return None
