"""A synthetic head in axial T1 slices, from the level of the thalamus (z = -1) to the vertex.

The forehead is on top. Lengths are in half fields of view, one being about 115 mm at 240x240 pixels
of 0.96 mm. The cortex is what lies within its thickness of the brain's outer surface, and that
surface includes the walls of the sulci: the zero set of a random field that varies quickly over the
surface of an ellipsoid and slowly with the depth below it, cut off at a varying depth.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.phantoms.canvas import Canvas
from kdmri_tf.phantoms.geometry import length, presence
from kdmri_tf.phantoms.patient import Pose, patient_contrast
from kdmri_tf.phantoms.smooth_noise import SmoothNoise

# T1 signal: fat and white matter bright, cortex grey, fluid dark, bone black.
SIGNALS = {
    "scalp fat": 0.95,
    "skin": 0.45,
    "skull": 0.05,
    "skull marrow": 0.42,
    "fluid": 0.10,
    "dura": 0.28,
    "grey matter": 0.44,
    "deep grey matter": 0.52,
    "white matter": 0.74,
}

LOWEST_LEVEL, HIGHEST_LEVEL = -0.30, 0.74  # slice heights, half the head's height being 1
HEAD_RADII = (0.68, 0.84)
FOREHEAD_NARROWING = 0.11  # relative change of the width per unit of y
SKIN_THICKNESS, SCALP_THICKNESS, SKULL_THICKNESS, FLUID_THICKNESS = 0.012, 0.045, 0.055, 0.012
SULCUS_HALF_WIDTH = 0.006
SULCUS_SPACING = 0.037  # scale of the folding field on an ellipsoid of radius 1
SULCUS_RADIAL_CHANGE = 0.5  # 0: straight towards the centre; 1: no preferred direction
FISSURE_HALF_WIDTH = 0.008
# Centre, radii and angle of caudate nucleus, thalamus and putamen; the midline mirrors them.
DEEP_NUCLEI = (
    ((0.135, -0.19), (0.050, 0.10), 20),
    ((0.085, 0.09), (0.075, 0.13), -25),
    ((0.270, -0.06), (0.060, 0.17), -12),
)
# Points (x, y) along a lateral ventricle from its front horn to its back horn, with half widths.
LATERAL_VENTRICLE = (
    ((0.095, -0.25), 0.034),
    ((0.030, -0.06), 0.016),
    ((0.060, 0.12), 0.024),
    ((0.145, 0.24), 0.036),
    ((0.140, 0.38), 0.016),
)


class Brain:
    """Paints one patient's head; sizes, folding, contrast and pose are drawn from `rng`."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.pose = Pose(rng, tilt=7, bend=0.012)
        self.signals = patient_contrast(rng, SIGNALS)
        self.head_radii = [radius * rng.uniform(0.96, 1.04) for radius in HEAD_RADII]
        self.scalp_thickness = SCALP_THICKNESS * rng.uniform(0.7, 1.4)
        self.skull_thickness = SKULL_THICKNESS * rng.uniform(0.8, 1.2)
        self.cortex_thickness = rng.uniform(0.024, 0.030)
        self.sulcus_depth = rng.uniform(0.18, 0.24)
        self.sulcus_half_width = SULCUS_HALF_WIDTH * rng.uniform(0.6, 1.6)
        self.ventricle_size = rng.uniform(0.75, 1.4)
        self.folding = SmoothNoise(rng, SULCUS_SPACING)
        self.asymmetry = SmoothNoise(rng, SULCUS_SPACING)
        self.depth_variation = SmoothNoise(rng, 0.08)
        self.grain = SmoothNoise(rng, 0.02)
        self.patches = SmoothNoise(rng, 0.12)

    def paint(self, canvas: Canvas) -> None:
        """Paints the slice at `canvas.z`, from the skin inwards, and gives it texture."""
        level = LOWEST_LEVEL + (HIGHEST_LEVEL - LOWEST_LEVEL) * (canvas.z + 1) / 2
        brain = self._paint_scalp_and_skull(canvas, level)
        self._paint_hemispheres(canvas, brain, level)
        self._paint_deep_grey_matter(canvas, level)
        self._paint_ventricles(canvas, level)
        canvas.image *= 1 + 0.025 * canvas.noise(self.grain) + 0.03 * canvas.noise(self.patches)

    def _paint_scalp_and_skull(self, canvas: Canvas, level: float) -> NDArray:
        """Paints everything outside the brain and returns the brain's shape."""
        roundness = (1 - level**2) ** 0.5
        obliqueness = 1 / max(roundness, 0.8)  # near the vertex the layers are cut at an angle
        egg = replace(canvas, x=canvas.x * (1 - FOREHEAD_NARROWING * canvas.y))
        skin = egg.ellipse((0, 0), [radius * roundness for radius in self.head_radii])
        scalp = skin + SKIN_THICKNESS * obliqueness
        skull = scalp + self.scalp_thickness * obliqueness
        skull_thickness = self.skull_thickness * obliqueness
        inner_table = skull + skull_thickness
        marrow = np.abs(skull + 0.5 * skull_thickness) - 0.16 * skull_thickness
        canvas.paint(skin, self.signals["skin"])
        canvas.paint(scalp, self.signals["scalp fat"])
        canvas.paint(skull, self.signals["skull"])
        canvas.paint(marrow, self.signals["skull marrow"])
        canvas.paint(inner_table, self.signals["dura"])
        canvas.paint(inner_table + 0.01, self.signals["fluid"])
        return inner_table + 0.01 + FLUID_THICKNESS

    def _paint_hemispheres(self, canvas: Canvas, brain: NDArray, level: float) -> None:
        sulci = self._sulci(canvas, brain, level)
        clefts = np.minimum(
            self._midline_fissure(canvas, level), self._side_fissures(canvas, level)
        )
        surface = np.maximum(brain, -np.minimum(sulci, clefts))
        canvas.paint(surface, self.signals["grey matter"])
        canvas.paint(surface + self.cortex_thickness, self.signals["white matter"])

    def _sulci(self, canvas: Canvas, brain: NDArray, level: float) -> NDArray:
        """Returns clefts that run inwards from the surface, nearly mirrored at the midline."""
        x = canvas.x / self.head_radii[0]
        y = canvas.y / self.head_radii[1]
        radius = np.sqrt(x**2 + y**2 + np.float32(level) ** 2) + np.float32(1e-3)
        to_shell = 1 / radius * (1 - SULCUS_RADIAL_CHANGE) + SULCUS_RADIAL_CHANGE
        x, y, height = x * to_shell, y * to_shell, np.float32(level) * to_shell
        field = self.folding.at(height, y, np.abs(x)) + 0.25 * self.asymmetry.at(height, y, x)
        slope_y, slope_x = (np.gradient(field, canvas.pixel, axis=axis) for axis in (0, 1))
        cleft = np.abs(field) / np.maximum(length(slope_x, slope_y), 1.0)
        depth_limit = self.sulcus_depth * (1 + 0.25 * canvas.noise(self.depth_variation))
        return np.maximum(cleft - self.sulcus_half_width, -brain - depth_limit)

    def _midline_fissure(self, canvas: Canvas, level: float) -> NDArray:
        """Returns the cleft between the hemispheres; the corpus callosum bridges it low down."""
        bridge_half_length = 0.36 * presence(level, 0.0, 0.42)
        cleft = np.abs(canvas.x) - FISSURE_HALF_WIDTH
        return np.maximum(cleft, bridge_half_length - np.abs(canvas.y))

    def _side_fissures(self, canvas: Canvas, level: float) -> NDArray:
        """Returns the fissures of Sylvius: a way in from the side and the insula across its end."""
        half_width = 0.011 * presence(level, -0.3, 0.4)
        half = canvas.mirrored()
        way_in = half.band((0.62, -0.02), (0.40, -0.06), half_width)
        insula = np.minimum(
            half.band((0.36, -0.19), (0.40, -0.06), half_width),
            half.band((0.40, -0.06), (0.38, 0.12), half_width),
        )
        return np.minimum(way_in, insula)

    def _paint_deep_grey_matter(self, canvas: Canvas, level: float) -> None:
        size = presence(level, -0.25, 0.45)
        half = canvas.mirrored()
        for centre, (width, height), angle in DEEP_NUCLEI:
            nucleus = half.ellipse(centre, (width * size, height * size), angle)
            canvas.paint(nucleus, self.signals["deep grey matter"])

    def _paint_ventricles(self, canvas: Canvas, level: float) -> None:
        """Paints two mirrored chains of bands, and the third ventricle between the thalami."""
        half = canvas.mirrored()
        size = self.ventricle_size * presence(level, 0.02, 0.33)
        for (start, start_width), (end, end_width) in pairwise(LATERAL_VENTRICLE):
            part = half.band(start, end, size * start_width, size * end_width)
            canvas.paint(part, self.signals["fluid"])
        third = 0.012 * self.ventricle_size * presence(level, -0.3, 0.25)
        canvas.paint(canvas.band((0, -0.04), (0, 0.16), third), self.signals["fluid"])
