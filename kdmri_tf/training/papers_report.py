"""The tables of all grids beside the published numbers."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kdmri_tf.errors import InputError, in_one_line
from kdmri_tf.evaluation.markdown import markdown_table
from kdmri_tf.evaluation.published import GRIDS, KD_MRI, SFT_KD_RECON
from kdmri_tf.evaluation.report import DISTILLED, TEACHER
from kdmri_tf.evaluation.table import with_deviation
from kdmri_tf.files import printable, replacing, write_csv
from kdmri_tf.training.stage_differences import read_config

EVALUATIONS = "papers"  # folder of a grid's results, in that of its run
LONG_STUDENT = "student, twice the epochs"
ORDER = (TEACHER, DISTILLED, LONG_STUDENT)
COLUMNS = (
    *("grid", "network", "psnr", "psnr_std", "ssim", "ssim_std", "parameters"),
    *("kd_mri_psnr", "kd_mri_ssim", "sft_kd_recon_psnr", "trained", "title"),
)
HEADINGS = ("", "PSNR [dB]", "SSIM", "KD-MRI: PSNR", "SSIM", "SFT-KD-Recon: PSNR")
SOURCES = (
    "Published: KD-MRI (Murugesan et al., MIDL 2020), table 1, and SFT-KD-Recon (Matcha et al., "
    "MIDL 2023), table 1, attention transfer. Their values come from their own split into training "
    "and validation, ours from the one named here: compare orders and differences, not values."
)


def records(run_dir: str | Path) -> list[dict[str, Any]]:
    """Reads every grid that was evaluated: one dictionary per network, with the keys of `COLUMNS`.

    Args:
        run_dir: holds `<grid>/papers/evaluation.json`.

    Raises:
        InputError: a file of an evaluation or of a teacher's stage is damaged.
    """
    found = []
    for grid, key in GRIDS.items():
        folder = Path(run_dir) / grid
        path = folder / EVALUATIONS / "evaluation.json"
        if not path.exists():
            continue
        trained = _trained(folder)
        for network, title, measured in _evaluated(path):
            kd_mri = KD_MRI[key].get(network, (None, None))
            sft_kd_recon = SFT_KD_RECON.get(key, {}).get(network)
            values = (grid, network, *measured, *kd_mri, sft_kd_recon, trained, title)
            found.append(dict(zip(COLUMNS, values, strict=True)))
    return found


def to_markdown(found: Sequence[Mapping[str, Any]]) -> str:
    """Returns a table per grid with its caption, and whether distillation beats long training.

    Args:
        found: from `records`.
    """
    parts = [SOURCES]
    for grid in dict.fromkeys(record["grid"] for record in found):
        of_grid = [record for record in found if record["grid"] == grid]
        first = of_grid[0]
        parts += [
            f"## {grid}",
            f"**{first['title']}.** {first['trained']}. Mean ± one sample standard deviation over "
            "volumes.",
            markdown_table(HEADINGS, [_cells(record) for record in of_grid]),
            order_sentence({record["network"]: record["psnr"] for record in of_grid}),
        ]
    return "\n\n".join(parts) + "\n"


def order_sentence(psnr: Mapping[str, float]) -> str:
    """Says whether the mean PSNR falls from teacher to KD student to the student trained as long.

    Args:
        psnr: network -> mean [dB].
    """
    values = [psnr[name] for name in ORDER]
    holds = values[0] > values[1] > values[2]
    shown = ", ".join(f"{name} {value:.2f} dB" for name, value in zip(ORDER, values, strict=True))
    return f"The order {' > '.join(ORDER)} {'holds' if holds else 'does not hold'}: {shown}."


def write_tables(run_dir: str | Path) -> str:
    """Writes `papers.md` and `papers.csv` (a line per network); returns the tables of all grids.

    Args:
        run_dir: as for `records`.
    """
    run_dir, found = Path(run_dir), records(run_dir)
    table = to_markdown(found)
    with replacing(run_dir / "papers.md") as place:
        place.write_text(table, encoding="utf-8")
    write_csv(run_dir / "papers.csv", found)
    return table


def _evaluated(path: Path) -> list[tuple[str, str, tuple[float | None, ...]]]:
    """Reads the results of a grid: (network, title, means and deviations, parameters) of each."""
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        networks = summary["networks"]
        if missing := [name for name in ORDER if name not in networks]:
            raise ValueError(f"it lacks {' and '.join(missing)}")
        return [
            (
                network,
                summary["title"],
                (
                    *(facts["psnr"]["mean"], facts["psnr"]["std"]),
                    *(facts["ssim"]["mean"], facts["ssim"]["std"], facts["parameters"]),
                ),
            )
            for network, facts in networks.items()
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{path} is damaged ({type(error).__name__}: {in_one_line(error)}): delete "
            f"{path.parent}, and kdmri papers with --only {path.parent.parent.name} evaluates "
            "these networks again."
        ) from error


def _trained(folder: Path) -> str:
    """Says how long and with which settings the stages of a grid were trained."""
    said = {_settings(read_config(path.parent)) for path in folder.glob("teacher-*/config.json")}
    if not said:
        return f"Trained in stages that are no longer in {printable(str(folder))}"
    if len(said) > 1:
        return f"Trained with several settings, see the stages in {printable(str(folder))}"
    return said.pop()


def _settings(config: Mapping[str, Any]) -> str:
    return (
        f"{config['epochs']} epochs per stage, learning rate {config['learning_rate']:g} "
        f"({config['schedule']}), batches of {config['batch_size']}, {config['precision']}, seed "
        f"{config['seed']}; mask {config['mask']}"
    )


def _cells(record: Mapping[str, Any]) -> list[str]:
    def number(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    return [
        record["network"],
        with_deviation(record["psnr"], record["psnr_std"], 2),
        with_deviation(record["ssim"], record["ssim_std"], 4),
        number(record["kd_mri_psnr"], ".2f"),
        number(record["kd_mri_ssim"], ".4f"),
        number(record["sft_kd_recon_psnr"], ".2f"),
    ]
