"""Exports trained networks, checked on slices like those they were trained on."""

from collections.abc import Sequence
from pathlib import Path

from kdmri_tf.errors import InputError
from kdmri_tf.export.check_samples import Samples, samples_of
from kdmri_tf.export.export_network import LARGEST_LOSS, export_network
from kdmri_tf.export.layout import check_layout
from kdmri_tf.inference.network_facts import check_stage_facts
from kdmri_tf.networks.saved import describe, load_network
from kdmri_tf.physics.low_resolution import LowResolution


def export_trained(
    model_path: Path | str,
    output: Path | str,
    format: str = "saved_model",
    quantize: str | None = None,
    largest_loss: float = LARGEST_LOSS,
    samples: Samples | None = None,
    *,
    image_size: Sequence[int] | None = None,
    phase_encode_axis: int | None = None,
    manual_dir: Path | str | None = None,
    data_dir: Path | str | None = None,
    coils: int | None = None,
    estimates_sensitivities: bool = False,
) -> None:
    """Exports a `.keras` network and prints how closely the export agrees with it.

    Args:
        model_path: the network.
        output: as `path` of `export_network`.
        format, quantize, largest_loss, estimates_sensitivities: as for `export_network`.
        samples: to check on; None for those of `samples_of`, which takes the other arguments.
        image_size, phase_encode_axis, manual_dir, data_dir, coils: as for `samples_of`.

    Raises:
        InputError: there is no such network, or the configuration of its stage is damaged; a phase
            encode axis for one that takes no mask; folders of data for a network that was trained
            on synthetic slices, or does not say on which; or as for `export_network` and
            `samples_of`.
    """
    network = load_network(model_path)
    metadata = describe(model_path, network)
    check_stage_facts(metadata, model_path)
    if phase_encode_axis is not None and network.degradation is LowResolution:
        raise InputError(
            f"A phase encode axis only matters for masks, but {model_path} holds a "
            f"{network.architecture}, which takes none: leave --phase-encode-axis out (in code "
            "phase_encode_axis)."
        )
    if samples is None:
        known_axis = metadata.get("phase_encode_axis")
        check_layout(
            *(format, network, image_size or metadata.get("image_size")),
            known_axis if phase_encode_axis is None else phase_encode_axis,
        )
        if "dataset" not in metadata and (manual_dir or data_dir):
            raise InputError(
                f"{model_path} does not say what data it was trained on, as a file in the folder "
                "of its stage does: leave out --manual-dir and --data-dir (in code manual_dir and "
                "data_dir)."
            )
        if metadata.get("source") == "synthetic" and (manual_dir or data_dir):
            raise InputError(
                f"{model_path} was trained on synthetic slices, and is checked on such slices: "
                "leave out --manual-dir and --data-dir (in code manual_dir and data_dir)."
            )
        layout = image_size, phase_encode_axis
        samples = samples_of(
            *(metadata, network, *layout), manual_dir=manual_dir, data_dir=data_dir, coils=coils
        )
    agreement = export_network(
        network,
        output,
        format,
        quantize,
        samples=samples,
        estimates_sensitivities=estimates_sensitivities,
        metadata=metadata,
        largest_loss=largest_loss,
    )
    print(
        f"{format} {output}: differs from the network by at most {agreement.difference:.1e} and "
        f"loses {max(agreement.loss, 0):.4f} dB on {agreement.samples}."
    )
