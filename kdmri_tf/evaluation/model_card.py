"""The model card of a network of the zoo in Markdown, and the table of all of them.

Plain Python: neither needs TensorFlow.
"""

import re
from collections.abc import Mapping
from typing import Any

from kdmri_tf.evaluation.markdown import markdown_table
from kdmri_tf.evaluation.table import COLUMNS, with_deviation

PAPERS_EPOCHS = 150
RESEARCH_ONLY = "Research only, **not for clinical use**."


def zoo_table(cards: Mapping[str, Mapping[str, Any]]) -> str:
    """Writes the table of all networks of the zoo.

    Args:
        cards: what `list_networks` returns.
    """
    metrics = ("psnr", "ssim")
    headings = ["name", "task", "architecture", "parameters"]
    headings += [*(COLUMNS[metric][0] for metric in metrics), "licence"]
    rows = []
    for name, card in cards.items():
        network, values = card["network"], card["evaluation"]["metrics"]
        measured = [_spread(values, metric) for metric in metrics]
        about = [name, card["task"], network["architecture"], f"{network['parameters']:,}"]
        rows.append([*about, *measured, card["licence"]])
    note = (
        "PSNR and SSIM: mean ± one sample standard deviation over the validation volumes, whose "
        "patients were not trained on; kdmri zoo NAME says more."
    )
    return f"{markdown_table(headings, rows)}\n\n{note} {RESEARCH_ONLY}"


def model_card(card: Mapping[str, Any]) -> str:
    """Writes the card of one network: use, data, training, results, limits, papers.

    Args:
        card: one of those that `list_networks` returns.
    """
    sections = {
        "Network": _network(card),
        "Data": _data(card["data"], card["licence"]),
        "Training": _training(card["training"]),
        "Results": _results(card["name"], card["evaluation"]),
        "Limits": _limits(card),
        "Papers": "\n".join(f"- {paper}" for paper in card["papers"]),
        "Use": _use(card["name"], bool(card["network"].get("complex_images"))),
    }
    head = f"# {card['name']}\n\n{card['task']}. {RESEARCH_ONLY}"
    return "\n\n".join([head, *(f"## {title}\n\n{text}" for title, text in sections.items())])


def _network(card: Mapping[str, Any]) -> str:
    network = card["network"]
    facts = {
        "architecture": f"{network['architecture']}, {network['parameters']:,} parameters",
        "images": _images(card["training"]),
        "licence": f"{card['licence']}, that of the training data",
        "SHA-256 of the weights": f"`{network['weights_sha256']}`",
    }
    return _list(facts)


def _data(data: Mapping[str, Any], licence: str) -> str:
    facts = {"images": data["description"], "licence": licence}
    for split in ("train", "validation"):
        facts[split] = ", ".join(
            f"{data[split][what]:,} {what if data[split][what] != 1 else what.removesuffix('s')}"
            for what in ("patients", "volumes", "slices")
        )
    facts["read as"] = f"data set `{data['dataset']}`, source `{data['source']}`"
    return _list(facts)


def _training(training: Mapping[str, Any]) -> str:
    config, environment = training["config"], training["environment"]
    rate = f"{config['learning_rate']:g}, {config['schedule']}"
    facts = {
        "epochs": f"{config['epochs']} in this stage, `{config['stage']}`",
        "batch size": str(config["batch_size"]),
        "learning rate": rate,
        "seed": str(config["seed"]),
        "precision": config["precision"],
        "undersampling": _degradation(training),
    }
    if config.get("augment"):
        facts["augmentation"] = config["augment"].replace("_", " ")
    if config.get("teacher_sha256"):
        known = training["teacher"]
        digest = f"weights with the SHA-256 `{config['teacher_sha256']}`"
        facts["teacher"] = f"`{known}`" if known else digest
    if config.get("start_sha256"):
        has_two_stages = re.match(r"kd-(?!none-)", config["stage"])
        digest = f"weights with the SHA-256 `{config['start_sha256']}`"
        facts["start"] = "the stage before, on features alone" if has_two_stages else digest
    versions = ("kdmri_tf", "tensorflow", "keras")
    facts["versions"] = ", ".join(f"{name} {environment[name]}" for name in versions)
    return f"{_list(facts)}\n\n```bash\n{environment['command']}\n```"


def _degradation(training: Mapping[str, Any]) -> str:
    config, facts = training["config"], training["facts"]
    if "scale" in facts:
        return f"{facts['label']}: the centre of k-space"
    axis = facts.get("phase_encode_axis")
    lines = "" if axis is None else f", whole {('rows', 'columns')[axis]}"
    mask = f"mask {config['mask']}{lines}, true acceleration {config['acceleration']:.2f}"
    more = "; every training slice under one of 256 such masks, drawn again in every epoch"
    return mask + (more if config.get("random_masks") else "")


def _images(training: Mapping[str, Any]) -> str:
    config, facts = training["config"], training["facts"]
    size = f"trained on {'x'.join(map(str, config['image_size']))} pixels, takes any size"
    if not config.get("complex_images"):
        return f"real (magnitude) images, {size}"
    coils = facts["coils"]
    return f"complex images of {coils} coil{'s' * (coils != 1)}, {size}"


def _results(name: str, evaluation: Mapping[str, Any]) -> str:
    rows = [
        [row, *(_spread(evaluation[key], metric) for metric in COLUMNS)]
        for row, key in (("zero-filled", "zero_filled"), (name, "metrics"))
    ]
    volumes, patients, slices = (evaluation[key] for key in ("volumes", "patients", "slices"))
    caption = (
        f"{evaluation['title']}: mean ± one sample standard deviation over {volumes} "
        f"volumes of {patients} patients ({slices} slices)."
    )
    table = markdown_table(["", *(heading for heading, _ in COLUMNS.values())], rows)
    return f"{caption}\n\n{table}"


def _limits(card: Mapping[str, Any]) -> str:
    config, data = card["training"]["config"], card["data"]
    limits = [
        f"Trained on {data['train']['patients']} patients and measured on "
        f"{data['validation']['patients']}, of one source. Other anatomy, contrast, scanners and "
        "diseases were not tried.",
        "The validation volumes also chose the weights: those of the best epoch.",
    ]
    if config["epochs"] < PAPERS_EPOCHS:
        limits.append(f"Trained for {config['epochs']} epochs a stage; the papers train for 150.")
    is_masked = "scale" not in card["training"]["facts"]
    if is_masked and not config.get("random_masks"):
        limits.append("Trained with one mask. With others, images may be worse.")
    if not config.get("complex_images"):
        if is_masked:
            limits.append(
                "Knows the simulated k-space of real images and one coil alone: not for the raw "
                "k-space of a scanner."
            )
    elif config.get("acquisition"):
        limits.append(
            "Scans were simulated from magnitude images (phase, noise, coils), in training and in "
            f"these results: {_acquisition(config['acquisition'])}."
        )
    limits.append(
        "One seed. Details that were not measured are made up from what training images look like."
    )
    return "\n".join(f"- {limit}" for limit in limits)


def _acquisition(acquisition: Mapping[str, Any]) -> str:
    """Returns how scans were simulated, such as "coils 1, snr 10 to 60"."""
    return ", ".join(
        f"{name.replace('_', ' ')} "
        + (" to ".join(map("{:g}".format, value)) if isinstance(value, list) else str(value))
        for name, value in acquisition.items()
    )


def _use(name: str, complex_images: bool) -> str:
    file = "scan.h5" if complex_images else "volume.nii.gz"
    return (
        f"```bash\nkdmri reconstruct {name} {file} reconstructed.nii.gz\n```\n\n"
        f'```python\nnetwork = kdmri_tf.load_network("{name}")\n```'
    )


def _spread(values: Mapping[str, Any], metric: str) -> str:
    number = values[metric]
    return with_deviation(number["mean"], number["std"], COLUMNS[metric][1])


def _list(facts: Mapping[str, str]) -> str:
    return "\n".join(f"- {name}: {text}" for name, text in facts.items())
