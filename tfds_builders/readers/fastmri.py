"""Whose scan a file of fastMRI is."""

from pathlib import Path

import h5py


def patient_of_fastmri(path: Path) -> str | None:
    """Returns the attribute `patient_id` of a file of fastMRI, which scans of a patient share.

    Returns:
        None if it is missing, empty or no string, and for a file that cannot be read: its reader
        reports that.
    """
    try:
        with h5py.File(path) as file:
            patient = file.attrs.get("patient_id")
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):  # as the damage has it
        return None
    if isinstance(patient, bytes):
        patient = patient.decode(errors="backslashreplace")
    return patient if isinstance(patient, str) and patient.strip() else None
