"""Exports of trained networks, checked on slices as they were trained on."""

from kdmri_tf.errors import InputError
from kdmri_tf.export.check_samples import samples_of
from kdmri_tf.export.export_network import LARGEST_LOSS, check_layout, export_network
from kdmri_tf.networks.saved import describe, load_network
from kdmri_tf.physics.degradation import LowResolution


def export_trained(
    model_path,
    output,
    format="saved_model",
    quantize=None,
    largest_loss=LARGEST_LOSS,
    samples=None,
    **places,
):
    """Exports a `.keras` network, checked on slices as it was trained on, and says how it agrees.

    Args:
        model_path: the network.
        output, format, quantize, largest_loss: as for `export_network`.
        samples: `Samples`; None for those of `samples_of`.
        places: other arguments of `samples_of`.

    Raises:
        InputError: no such network; a phase-encode axis for one that takes no mask; one that does
            not say what it was trained on, where this is asked for; or as `export_network` and
            `samples_of`.
    """
    network = load_network(model_path)
    metadata = describe(model_path, network)
    if places.get("phase_encode_axis") is not None and network.degradation is LowResolution:
        raise InputError(
            f"The phase-encode axis is of masks, and {model_path} holds a {network.architecture}, "
            "which takes none: leave --phase-encode-axis out."
        )
    if samples is None:
        known = {key: places.get(key) for key in ("image_size", "phase_encode_axis")}
        known = {key: metadata.get(key) if v is None else v for key, v in known.items()}
        check_layout(format, network, **known)
        if "dataset" not in metadata and (places.get("manual_dir") or places.get("data_dir")):
            raise InputError(
                f"{model_path} does not say what data it was trained on, as a file in the folder "
                "of its stage does: leave --manual-dir and --data-dir out."
            )
    agreement = export_network(
        network,
        output,
        format,
        quantize,
        samples=samples or samples_of(metadata, network, **places),
        metadata=metadata,
        largest_loss=largest_loss,
    )
    print(
        f"{format} {output}: differs from the network by {agreement.difference:.1e} at most, loses "
        f"{max(agreement.loss, 0):.4f} dB, on {agreement.samples}."
    )
