"""Takes a finished stage into the zoo: its network in float32, and a card made of its run."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kdmri_tf.data.mri_data import MRIData
from kdmri_tf.errors import InputError, in_one_line
from kdmri_tf.evaluation.table import COLUMNS
from kdmri_tf.files import replacing
from kdmri_tf.networks.network import Network
from kdmri_tf.networks.saved import find_evaluation, load_network, save_network, weights_digest
from kdmri_tf.networks.vdsr import VDSR
from kdmri_tf.physics.low_resolution import LowResolution
from kdmri_tf.training.run_folder import MODEL_FILE
from kdmri_tf.training.stage_differences import CONFIG_FILE, read_config
from kdmri_tf.zoo import listing
from kdmri_tf.zoo.cards import list_networks
from tfds_builders.prepare import prepare

DC_CNN_PAPER = (
    "Schlemper et al., A Deep Cascade of Convolutional Neural Networks for Dynamic MR Image "
    "Reconstruction, IEEE TMI 2018, https://arxiv.org/abs/1704.02422"
)
VDSR_PAPER = (
    "Kim et al., Accurate Image Super-Resolution Using Very Deep Convolutional Networks, CVPR "
    "2016, https://arxiv.org/abs/1511.04587"
)
KD_MRI_PAPER = "Murugesan et al., KD-MRI, MIDL 2020, https://arxiv.org/abs/2004.05319"
SFT_PAPER = "Matcha et al., SFT-KD-Recon, MIDL 2023, https://arxiv.org/abs/2304.05057"

# Flags that only say where files go.
PLACES = ("--data-dir", "--run-dir")


def add_to_zoo(
    name: str,
    stage_folder: Path | str,
    *,
    task: str,
    origin: str,
    licence: str,
    manual_dir: Path | str | None = None,
    data_dir: Path | str | None = None,
) -> dict[str, Any]:
    """Writes network and card of a finished stage to the zoo, and the listing anew.

    Args:
        name: in the zoo; an earlier network of that name is replaced.
        stage_folder: with `config.json` and `model.keras`; an `evaluation.json` there, in its run,
            or in a folder of results there must have measured these weights.
        task: what the network does, in words.
        origin: what the training images are and who distributes them, in words.
        licence: of these images, and so of the weights.
        manual_dir, data_dir: of the data of the stage, whose patients are counted.

    Returns:
        The card, see `list_networks`.

    Raises:
        InputError: a bad name, a stage that is not finished or not evaluated, or other data than
            the stage was trained on.
    """
    listing.check_name(name)
    folder = Path(stage_folder)
    config = read_config(folder)
    network = load_network(folder / MODEL_FILE)
    digest = weights_digest(network)
    found = find_evaluation(folder, digest)
    if found is None:
        raise InputError(
            f"No evaluation.json in {folder} or in its run has measured these weights: run kdmri "
            "evaluate on that run first."
        )
    evaluation, values = found
    counts = _counts(config, manual_dir, data_dir)
    with _as_written(folder):
        stage = json.loads((folder / CONFIG_FILE).read_text())
        zero_filled = next(iter(evaluation["networks"].values()))
        card = {
            "name": name,
            "task": task,
            "intended_use": network.facts["intended_use"],
            "licence": licence,
            "data": {
                "description": origin,
                "dataset": config["dataset"],
                "source": config["source"],
                **counts,
            },
            "network": {**network.facts, "weights_sha256": digest},
            "training": {
                "config": config,
                "facts": stage["facts"],
                "environment": {
                    **stage["environment"],
                    "command": portable_command(stage["environment"]["command"]),
                },
                "teacher": _name_of(config.get("teacher_sha256")),
            },
            "evaluation": {
                **{key: evaluation[key] for key in ("title", "volumes", "patients", "slices")},
                "metrics": {metric: values[metric] for metric in COLUMNS},
                "zero_filled": {metric: zero_filled[metric] for metric in COLUMNS},
            },
            "papers": _papers(network, config),
        }
    save_network(network, listing.FOLDER / f"{name}{listing.NETWORK}")
    with replacing(listing.FOLDER / f"{name}{listing.CARD}") as place:
        place.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    listing.write_listing()
    return card


@contextlib.contextmanager
def _as_written(folder: Path) -> Iterator[None]:
    """Turns what fails for want of a fact into a sentence: anybody may have written the files."""
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"The {CONFIG_FILE} of {folder}, or the evaluation.json that measured its network, is "
            f"damaged or foreign ({type(error).__name__}: {in_one_line(error)}): train and "
            "evaluate this stage anew."
        ) from error


def portable_command(command: str) -> str:
    """Returns a command line as others would write it, without this machine's folders.

    Paths keep their last part, and flags that only say where results go are left out.

    Example:
        >>> portable_command("/a/train/kd.py --mask /b/c/mask.npy --run-dir /d --seed 1")
        'kdmri kd --mask mask.npy --seed 1'
        >>> portable_command("kdmri kd --dataset knee")
        'kdmri kd --dataset knee'
    """
    first, *words = command.split()
    script = Path(first)
    kept = [f"kdmri {script.stem}" if script.suffix == ".py" else script.name]
    for word, before in zip(words, [first, *words], strict=False):
        flag, separator, value = word.rpartition("=")
        if word not in PLACES and before not in PLACES and flag not in PLACES:
            kept.append(flag + separator + (Path(value).name if "/" in value else value))
    return " ".join(kept)


def _counts(
    config: dict[str, Any], manual_dir: Path | str | None, data_dir: Path | str | None
) -> dict[str, dict[str, int]]:
    """Counts patients, volumes and slices of each split of the data of a stage."""
    missing = [
        key for key in ("dataset", "source", "image_size", "data_sha256") if key not in config
    ]
    if missing:
        raise InputError(f"The {CONFIG_FILE} of the stage does not say its {missing[0]}.")
    is_raw = config.get("coils") is not None and config.get("acquisition") is None
    builder = prepare(
        config["dataset"],
        config["source"],
        manual_dir=manual_dir,
        data_dir=data_dir,
        image_size=config["image_size"],
        coils=config["coils"] if is_raw else None,
    )
    data = MRIData(builder, LowResolution(1.0))  # what is counted depends on no degradation
    if data.fingerprint != config["data_sha256"]:
        raise InputError(
            f"The stage was trained on other {config['dataset']} data than these: give its own by "
            "--manual-dir and --data-dir (in code manual_dir and data_dir)."
        )
    return {split: _counted(data, split) for split in ("train", "validation")}


def _counted(data: MRIData, split: str) -> dict[str, int]:
    patients = data.patients(split)
    counts = {"patients": len(set(patients.values())), "volumes": len(patients)}
    return {**counts, "slices": data.num_slices[split]}


def _name_of(digest: str | None) -> str | None:
    """Returns the name of the network of the zoo with these weights."""
    cards = list_networks().items()
    return next((name for name, card in cards if card["network"]["weights_sha256"] == digest), None)


def _papers(network: Network, config: dict[str, Any]) -> list[str]:
    """Names the papers of the architecture and of how it was trained."""
    papers = [VDSR_PAPER if isinstance(network, VDSR) else DC_CNN_PAPER, KD_MRI_PAPER]
    return [*papers, SFT_PAPER] if "sft" in config["stage"] else papers
