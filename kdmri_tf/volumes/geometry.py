"""Where the voxels of a volume lie in space: what a reconstruction inherits from its input."""

from dataclasses import dataclass
from xml.etree import ElementTree

import nibabel
import numpy as np


@dataclass(frozen=True)
class VoxelGrid:
    """The grid of a volume `(slices, H, W)` as NIfTI has it: x along W, y along H, z over slices.

    Attributes:
        affine: 4x4, from voxel indices (x, y, z) to millimetres to the right, front and top.
        header: of the NIfTI file that the volume was read from; None without one.
    """

    affine: np.ndarray
    header: nibabel.Nifti1Header | None = None

    @classmethod
    def of_voxels(cls, height=1.0, width=1.0, thickness=1.0):
        """Voxels of this size in mm, first row in front, first column on the right, as in DICOM."""
        return cls(np.diag([-width, -height, thickness, 1.0]))

    @property
    def first_row_is_lowest(self):
        """Whether later rows lie further to the front or top of the patient."""
        return nibabel.aff2axcodes(self.affine)[1] in ("A", "S")


def grid_of_fastmri(header, image_size):
    """The grid of a fastMRI file: voxels of 1 mm where the header does not say their size.

    The readout axis, x of the header, runs along H, its y along W. Taken from `encodedSpace` or
    `reconSpace`, the one whose matrix is that of the images before the other.

    Args:
        header: dataset `ismrmrd_header`, XML as text or bytes; None where there is none.
        image_size: (H, W).

    Returns:
        A `VoxelGrid`; the position of the patient is not known.
    """
    spaces = [space for space in map(_Space, _encoded_spaces(header)) if space.is_known]
    spaces.sort(key=lambda space: space.matrix[:2] != tuple(image_size))
    return VoxelGrid.of_voxels(*spaces[0].voxel) if spaces else VoxelGrid.of_voxels()


class _Space:
    """Matrix (x, y, z) and voxel size in mm of an `encodedSpace` or `reconSpace`."""

    def __init__(self, element):
        self.matrix = tuple(_number(element, "matrixSize", axis) for axis in "xyz")
        field_of_view = tuple(_number(element, "fieldOfView_mm", axis) for axis in "xyz")
        self.is_known = min(self.matrix) > 0 and min(field_of_view) > 0
        if self.is_known:
            self.voxel = np.divide(field_of_view, self.matrix)


def _encoded_spaces(header):
    try:
        encoding = ElementTree.fromstring(header or "<none/>").find("{*}encoding")
    except ElementTree.ParseError:
        return []
    names = () if encoding is None else ("encodedSpace", "reconSpace")
    spaces = (encoding.find(f"{{*}}{name}") for name in names)
    return [space for space in spaces if space is not None]


def _number(element, name, axis):
    """A positive number of the header, 0 where there is none."""
    text = element.findtext(f"{{*}}{name}/{{*}}{axis}", default="0")
    try:
        return float(text) if 0 < float(text) < np.inf else 0.0
    except ValueError:
        return 0.0
