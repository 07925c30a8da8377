"""Where the voxels of a volume lie in space: what a reconstruction inherits from its input."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import nibabel
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class VoxelGrid:
    """Describes the grid of a volume `(slices, H, W)` as NIfTI does: x along W, y along H.

    Attributes:
        affine: 4x4, from voxel indices (x, y, slice) to millimetres to the right, front and top.
        header: of the NIfTI file that the volume was read from; None without one.
    """

    affine: NDArray[np.float64]
    header: nibabel.Nifti1Header | None = None

    @classmethod
    def of_voxels(cls, height: float = 1.0, width: float = 1.0, thickness: float = 1.0) -> Self:
        """Returns the grid of voxels of this size in mm.

        The first row is in front and the first column on the right, as in DICOM.

        Example:
            >>> VoxelGrid.of_voxels(2, 3, 4).affine.diagonal().tolist()
            [-3.0, -2.0, 4.0, 1.0]
        """
        return cls(np.diag([-width, -height, thickness, 1.0]))

    @property
    def first_row_is_lowest(self) -> bool:
        """Whether later rows lie further to the front or top of the patient."""
        return nibabel.aff2axcodes(self.affine)[1] in ("A", "S")


def can_be_written(affine: NDArray | None) -> bool:
    """Returns whether the header of a NIfTI file can say so: finite in float32, no voxel of size 0.

    Example:
        >>> can_be_written(np.eye(4)), can_be_written(np.diag([1e300, 1, 1, 1]))
        (True, False)
    """
    if affine is None:
        return False
    with np.errstate(over="ignore", under="ignore"):
        sizes = np.abs(affine[:3, :3]).max(axis=0)
        stored = affine.astype(np.float32)
    return bool(np.isfinite(stored).all() and (sizes >= np.finfo(np.float32).tiny).all())


def grid_of_fastmri(header: str | bytes | None, image_size: Sequence[int]) -> VoxelGrid:
    """Returns the grid of a fastMRI file, with voxels of 1 mm if the header has no sizes.

    The readout axis, x of the header, runs along H, and its y along W. The sizes are those of
    `encodedSpace` or `reconSpace`, preferably of the one whose matrix is that of the images.

    Args:
        header: dataset `ismrmrd_header`, XML as text or bytes; None if there is none.
        image_size: (H, W).

    Returns:
        The grid; the position of the patient is unknown.
    """
    spaces = [space for space in map(_Space, _encoded_spaces(header)) if space.is_known]
    spaces.sort(key=lambda space: space.matrix[:2] != tuple(image_size))
    return VoxelGrid.of_voxels(*spaces[0].voxel) if spaces else VoxelGrid.of_voxels()


def rows_of_readout(header: str | bytes | None, height: int) -> int | None:
    """Returns how many rows of the image a header keeps where the readout is oversampled.

    These are as many as `reconSpace` has millimetres, in voxels of `encodedSpace`.

    Args:
        header: as in `grid_of_fastmri`.
        height: of the k-space, along the readout.

    Returns:
        The number, less than `height`; None if the header does not say, is of k-space of another
        height, or keeps all rows.
    """
    spaces = list(map(_Space, _encoded_spaces(header)))
    if len(spaces) != 2 or not all(space.is_known for space in spaces):
        return None
    encoded, kept = spaces
    rows = round(kept.field_of_view[0] / encoded.voxel[0])
    return rows if encoded.matrix[0] == height and 0 < rows < height else None


class _Space:
    """Reads the matrix (x, y, z) and voxel size in mm of an `encodedSpace` or `reconSpace`."""

    def __init__(self, element: Element) -> None:
        self.matrix = tuple(_number(element, "matrixSize", axis) for axis in "xyz")
        self.field_of_view = tuple(_number(element, "fieldOfView_mm", axis) for axis in "xyz")
        self.is_known = min(self.matrix) > 0 and min(self.field_of_view) > 0
        if self.is_known:
            self.voxel = np.divide(self.field_of_view, self.matrix)
            self.is_known = can_be_written(np.diag([*self.voxel, 1.0]))


def _encoded_spaces(header: str | bytes | None) -> list[Element]:
    """Returns the spaces that a header has, or none."""
    try:
        encoding = ElementTree.fromstring(header or "<none/>").find("{*}encoding")
    except (ElementTree.ParseError, LookupError, ValueError):  # of an unknown encoding, too
        return []
    if encoding is None:
        return []
    spaces = (encoding.find(f"{{*}}{name}") for name in ("encodedSpace", "reconSpace"))
    return [space for space in spaces if space is not None]


def _number(element: Element, name: str, axis: str) -> float:
    """Returns a positive number of the header, 0 if there is none."""
    text = element.findtext(f"{{*}}{name}/{{*}}{axis}", default="0")
    try:
        return float(text) if 0 < float(text) < np.inf else 0.0
    except ValueError:
        return 0.0
