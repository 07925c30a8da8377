"""Measures networks on the validation split of their data."""

from collections.abc import Mapping
from pathlib import Path

from kdmri_tf.data.mri_data import MRIData
from kdmri_tf.evaluation.evaluate import evaluate
from kdmri_tf.evaluation.figures import reconstruction_figure
from kdmri_tf.evaluation.report import Evaluation
from kdmri_tf.files import make_folder
from kdmri_tf.networks.network import Network
from kdmri_tf.pictures import draw
from kdmri_tf.training.classical_baselines import classical_baselines
from kdmri_tf.training.stage_epochs import unequal_epochs_in_words

# NIfTI's y axis runs from the back of the head to the front, so its first row belongs below.
SOURCES_STORED_UPSIDE_DOWN = ("mrbrains13", "mrbrains18")


def evaluate_validation(
    networks: Mapping[str, Network],
    data: MRIData,
    folder: Path,
    batch_size: int,
    *,
    classical: bool = False,
    trained: str = "",
    run_dir: Path | None = None,
) -> Evaluation:
    """Measures networks on the validation split, writes the results and prints the table.

    Args:
        networks: name -> network.
        data: whose validation split they are measured on.
        folder: gets `evaluation.md`, `.csv`, `.json` and `reconstructions.png`.
        batch_size: slices at a time.
        classical: whether the table has CG-SENSE and L1-wavelet compressed sensing as well.
        trained: how the networks were trained, in a sentence.
        run_dir: the run whose stages they are, which tells how long each student was trained.

    Raises:
        InputError: the folder cannot be written to; or as `classical_baselines`.
    """
    make_folder(folder, "--run-dir; in code the folder")
    unequal = "" if run_dir is None else unequal_epochs_in_words(run_dir, networks)
    baselines = classical_baselines(data) if classical else {}
    evaluation = evaluate(
        dict(networks),
        data.volumes("validation"),
        data.degradation,
        batch_size,
        dataset=data.dataset,
        source=data.source,
        acceleration=", ".join(filter(None, [data.acceleration_label, data.coils_label])),
        patients=data.patients("validation"),
        baselines=baselines,
    )
    mask = f"Mask: {data.mask_origin}." if "mask" in data.degradation.input_specification else ""
    evaluation.conditions = " ".join(filter(None, [mask, trained, unequal]))
    evaluation.unequal_epochs = unequal
    table = evaluation.write(folder)
    print(f"\n{table}\nTable and values: {folder}/evaluation.*", flush=True)
    figure = folder / "reconstructions.png"

    def paint(place: Path) -> None:
        flip = is_stored_upside_down(data)
        reconstruction_figure(evaluation.figure_slices, place, evaluation.title, flip=flip)

    if draw(figure, paint):
        print(f"Figure: {figure}")
    return evaluation


def is_stored_upside_down(data: MRIData) -> bool:
    """Tells whether pictures show the first row of its images at the bottom."""
    return data.source in SOURCES_STORED_UPSIDE_DOWN
