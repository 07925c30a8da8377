"""Tiny files of raw k-space, as other software writes them."""

import h5py
import ismrmrd
import numpy as np
import pydicom
from ismrmrd import xsd
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

HEADER = """<?xml version="1.0"?>
<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD">
<experimentalConditions><H1resonanceFrequency_Hz>63500000</H1resonanceFrequency_Hz>
</experimentalConditions>
<encoding><encodedSpace><matrixSize><x>{x}</x><y>{y}</y><z>{z}</z></matrixSize>
<fieldOfView_mm><x>{wide}</x><y>{y}</y><z>5</z></fieldOfView_mm></encodedSpace>
<reconSpace><matrixSize><x>{kept}</x><y>{y}</y><z>1</z></matrixSize>
<fieldOfView_mm><x>{kept}</x><y>{y}</y><z>5</z></fieldOfView_mm></reconSpace>
<encodingLimits><kspace_encoding_step_1><minimum>0</minimum><maximum>{last}</maximum>
<center>{centre}</center></kspace_encoding_step_1></encodingLimits>
<trajectory>{trajectory}</trajectory></encoding></ismrmrdHeader>"""


def header(x, y, z=1, kept=None, centre=None, trajectory="cartesian"):
    """The header of k-space of (x, y) with pixels of 1 mm, of which `kept` rows are the image."""
    centre = y // 2 if centre is None else centre
    kept = x if kept is None else kept
    text = HEADER.format(
        x=x, y=y, z=z, kept=kept, wide=x, last=y - 1, centre=centre, trajectory=trajectory
    )
    xsd.CreateFromDocument(text)
    return text


def acquisition(samples, step, flags=(), **counters):
    """A line `(coils, samples)` of centred k-space."""
    line = ismrmrd.Acquisition.from_array(samples.astype(np.complex64))
    line.center_sample = samples.shape[1] // 2
    line.idx.kspace_encode_step_1 = step
    for name, number in counters.items():
        setattr(line.idx, name, number)
    for flag in flags:
        line.setFlag(getattr(ismrmrd, f"ACQ_IS_{flag}"))
    return line


def write_ismrmrd(path, text, lines):
    with ismrmrd.Dataset(path, create_if_needed=True) as file:
        file.write_xml_header(text.encode())
        for line in lines:
            file.append_acquisition(line)
    return path


def write_bart(path, dimensions, samples=None):
    """Write samples, of which the first axis of BART's varies fastest; zeros if there are none."""
    if samples is None:
        samples = np.zeros(dimensions)
    np.asarray(samples, np.complex64).reshape(dimensions).ravel(order="F").tofile(path)
    numbers = " ".join(map(str, dimensions))
    path.with_suffix(".hdr").write_text(f"# Dimensions\n{numbers} \n# Creator\nBART v0.9\n")
    return path


def write_mat73(path, **variables):
    """MATLAB v7.3: HDF5 behind a header of 512 bytes, axes reversed, complex as (real, imag)."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in variables.items():
            values = np.asarray(array).T
            if np.iscomplexobj(values):
                record = np.empty(values.shape, [("real", "<f4"), ("imag", "<f4")])
                record["real"], record["imag"] = values.real, values.imag
                values = record
            file[name] = values
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return path


def write_dicom(path, image, position, series, **changes):
    """Write one slice, sagittal: rows run down the patient, columns to the back."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = pydicom.Dataset()
    data.file_meta = meta
    data.SOPClassUID, data.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
    data.SeriesInstanceUID, data.Modality = series, "MR"
    data.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    data.Rows, data.Columns = image.shape
    data.PixelSpacing, data.SliceThickness = [2, 1.5], 4
    data.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    data.ImagePositionPatient = list(position)
    data.RescaleSlope, data.RescaleIntercept = 2, -1
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.PixelRepresentation = 0
    data.PixelData = image.astype("<u2").tobytes()
    for name, value in changes.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    path.parent.mkdir(exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path
