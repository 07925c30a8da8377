"""The tables of all grids beside the published numbers."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kdmri_tf.evaluation.markdown import markdown_table
from kdmri_tf.evaluation.published import GRIDS, KD_MRI, SFT_KD_RECON
from kdmri_tf.evaluation.report import DISTILLED, TEACHER
from kdmri_tf.evaluation.table import with_deviation
from kdmri_tf.files import replacing
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
    """
    found = []
    for grid, key in GRIDS.items():
        folder = Path(run_dir) / grid
        path = folder / EVALUATIONS / "evaluation.json"
        if not path.exists():
            continue
        summary = json.loads(path.read_text(encoding="utf-8"))
        trained = _trained(folder)
        for network, facts in summary["networks"].items():
            kd_mri = KD_MRI[key].get(network, (None, None))
            values = (
                *(grid, network, facts["psnr"]["mean"], facts["psnr"]["std"]),
                *(facts["ssim"]["mean"], facts["ssim"]["std"], facts["parameters"]),
                *(*kd_mri, SFT_KD_RECON.get(key, {}).get(network), trained, summary["title"]),
            )
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
    with (
        replacing(run_dir / "papers.csv") as place,
        open(place, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(found)
    return table


def _trained(folder: Path) -> str:
    """Says how long and with which settings the stages of a grid were trained."""
    config = read_config(next(folder.glob("teacher-*/config.json")).parent)
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
