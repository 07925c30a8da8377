"""A synthetic heart in short axis view, with the chest around it.

The view from below, as radiographers show it: the breastbone on top, the patient's left on the
image's right. From base (z = -1) to apex (z = 1) the ventricles taper and the liver dome rises.
Lengths are in half fields of view, one being about 105 mm at 150x150 pixels of 1.4 mm.
"""

import math

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.phantoms.canvas import Canvas
from kdmri_tf.phantoms.geometry import length, presence
from kdmri_tf.phantoms.patient import Pose, patient_contrast
from kdmri_tf.phantoms.smooth_noise import SmoothNoise

# Balanced steady-state signal: fluid and fat bright, muscle dark, air and cortical bone black.
SIGNALS = {
    "blood": 0.64,
    "myocardium": 0.24,
    "fat": 0.85,
    "skin": 0.40,
    "muscle": 0.22,
    "lung": 0.05,
    "lung vessel": 0.40,
    "liver": 0.30,
    "liver vessel": 0.42,
    "marrow": 0.38,
    "cortical bone": 0.08,
    "spinal fluid": 0.90,
    "stomach wall": 0.25,
    "stomach content": 0.50,
}

THORAX_CENTRE, THORAX_RADII = (-0.38, 0.25), (1.32, 1.12)
SKIN_THICKNESS, RIB_CAGE_THICKNESS = 0.02, 0.10
RIB_RADII, RIB_SPACING, RIB_TURN = (0.10, 0.045), math.radians(20), 0.15  # radii along and across
HEART_CENTRE = (0.08, -0.02)
RIGHT_VENTRICLE_OFFSET = (-0.31, -0.13)  # from the left ventricle's centre
RIGHT_VENTRICLE_WALL = 0.03
PAPILLARY_MUSCLE_ANGLES = (35, 150)  # degrees clockwise from the image's right
SPINE_CENTRE, AORTA_CENTRE = (-0.42, 0.86), (-0.08, 0.66)
LIVER_CENTRE, STOMACH_CENTRE = (-0.85, 0.62), (0.42, 0.92)


class Heart:
    """Paints one patient's heart and chest; sizes, contrast and pose are drawn from `rng`."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.pose = Pose(rng, tilt=25, bend=0.035)
        self.signals = patient_contrast(rng, SIGNALS)
        self.cavity_radius = rng.uniform(0.24, 0.33)
        self.wall_thickness = rng.uniform(0.08, 0.13)
        self.septum_flattening = rng.uniform(0.92, 1.0)
        self.right_ventricle_radii = rng.uniform(0.26, 0.32), rng.uniform(0.33, 0.41)
        self.papillary_radius = rng.uniform(0.035, 0.06)
        self.papillary_angles = [angle + rng.uniform(-25, 25) for angle in PAPILLARY_MUSCLE_ANGLES]
        self.subcutaneous_fat = rng.uniform(0.05, 0.16)
        self.heart_fat = rng.uniform(0.02, 0.06)
        self.aorta_radius = rng.uniform(0.085, 0.12)
        self.liver_radius = rng.uniform(0.45, 0.6)
        self.grain = SmoothNoise(rng, 0.025)
        self.patches = SmoothNoise(rng, 0.07)
        self.fat_variation = SmoothNoise(rng, 0.15)
        self.trabeculae = SmoothNoise(rng, (0.3, 0.03, 0.03))
        self.vessels = SmoothNoise(rng, (0.2, 0.022, 0.022))

    def paint(self, canvas: Canvas) -> None:
        """Paints the slice at `canvas.z`, from the skin inwards, and gives it texture."""
        cavity = self._paint_chest_wall(canvas)
        self._paint_abdomen(canvas, cavity)
        self._paint_spine_and_aorta(canvas, cavity)
        self._paint_heart(canvas)
        canvas.image *= 1 + 0.07 * canvas.noise(self.grain) + 0.07 * canvas.noise(self.patches)

    def _paint_chest_wall(self, canvas: Canvas) -> NDArray:
        """Paints skin, fat, ribs and lungs and returns the shape of the cavity inside the ribs."""
        skin = canvas.ellipse(THORAX_CENTRE, THORAX_RADII)
        fat = skin + SKIN_THICKNESS
        rib_cage = fat + self.subcutaneous_fat
        cavity = rib_cage + RIB_CAGE_THICKNESS
        canvas.paint(skin, self.signals["skin"])
        canvas.paint(fat, self.signals["fat"])
        canvas.paint(rib_cage, self.signals["muscle"])
        self._paint_ribs(canvas, rib_cage)
        canvas.paint(cavity, self.signals["lung"])
        self._paint_vessels(canvas, cavity + 0.06, "lung vessel", threshold=1.5)
        return cavity

    def _paint_ribs(self, canvas: Canvas, rib_cage: NDArray) -> None:
        """Paints flat ovals, evenly spaced along the middle of the rib cage."""
        angle = np.arctan2(canvas.y - THORAX_CENTRE[1], canvas.x - THORAX_CENTRE[0])
        turns = (angle + RIB_TURN * np.float32(canvas.z)) / RIB_SPACING
        along = (turns - np.round(turns)) * RIB_SPACING * sum(THORAX_RADII) / 2
        across = rib_cage + RIB_CAGE_THICKNESS / 2
        rib = (length(along / RIB_RADII[0], across / RIB_RADII[1]) - 1) * RIB_RADII[1]
        canvas.paint(rib, self.signals["cortical bone"])
        canvas.paint(rib + 0.018, self.signals["marrow"])

    def _paint_vessels(self, canvas: Canvas, organ: NDArray, tissue: str, threshold: float) -> None:
        vessels = (threshold - canvas.noise(self.vessels)) * 0.03
        canvas.paint(np.maximum(organ, vessels), self.signals[tissue])

    def _paint_spine_and_aorta(self, canvas: Canvas, cavity: NDArray) -> None:
        x, y = SPINE_CENTRE
        back_muscles = np.maximum(
            canvas.ellipse((x, y + 0.25), (0.55, 0.3)), cavity - RIB_CAGE_THICKNESS
        )
        vertebra = canvas.ellipse(SPINE_CENTRE, (0.21, 0.17))
        canal = canvas.ellipse((x, y + 0.24), (0.09, 0.075))
        canvas.paint(back_muscles, self.signals["muscle"])
        canvas.paint(np.minimum(vertebra, canal) - 0.025, self.signals["cortical bone"])
        canvas.paint(vertebra, self.signals["marrow"])
        canvas.paint(canal, self.signals["spinal fluid"])
        canvas.paint(canal + 0.04, self.signals["marrow"])

        aorta = canvas.ellipse(AORTA_CENTRE, (self.aorta_radius,) * 2)
        canvas.paint(aorta - 0.05, self.signals["fat"])
        canvas.paint(aorta - 0.018, self.signals["myocardium"])
        canvas.paint(aorta, self.signals["blood"])

    def _paint_abdomen(self, canvas: Canvas, cavity: NDArray) -> None:
        rise = 0.18 * canvas.z
        liver_radius = self.liver_radius + rise
        liver = canvas.ellipse(LIVER_CENTRE, (1.15 * liver_radius, liver_radius), -20)
        liver = np.maximum(liver, cavity)
        canvas.paint(liver, self.signals["liver"])
        self._paint_vessels(canvas, liver + 0.04, "liver vessel", threshold=1.3)

        stomach_size = 0.65 + 0.35 * canvas.z
        stomach = canvas.ellipse(STOMACH_CENTRE, (0.5 * stomach_size, 0.36 * stomach_size), 15)
        stomach = np.maximum(stomach, cavity + 0.03)
        canvas.paint(stomach - 0.03, self.signals["fat"])
        canvas.paint(stomach, self.signals["stomach wall"])
        folds = 1 + 0.25 * canvas.noise(self.patches)
        canvas.paint(stomach + 0.045, self.signals["stomach content"] * folds)

    def _paint_heart(self, canvas: Canvas) -> None:
        taper = (1 - (0.42 * (canvas.z + 1)) ** 2) ** 0.5  # an ellipsoid cut short of its tip
        cavity_radius = self.cavity_radius * taper
        outer_radius = cavity_radius + self.wall_thickness
        left = canvas.ellipse(HEART_CENTRE, (outer_radius * self.septum_flattening, outer_radius))
        right = self._right_ventricle(canvas, taper)

        heart = np.minimum(left, right - RIGHT_VENTRICLE_WALL)
        fat_around = heart - self.heart_fat * (1 + 0.4 * canvas.noise(self.fat_variation))
        canvas.paint(fat_around - 0.015, self.signals["muscle"])  # the pericardium
        canvas.paint(fat_around, self.signals["fat"])
        canvas.paint(right - RIGHT_VENTRICLE_WALL, self.signals["myocardium"])
        trabeculae = canvas.noise(self.trabeculae)
        canvas.paint(right + 0.018 * trabeculae, self.signals["blood"])

        canvas.paint(left, self.signals["myocardium"])
        cavity = left + self.wall_thickness
        canvas.paint(cavity + 0.012 * trabeculae, self.signals["blood"])
        self._paint_papillary_muscles(canvas, cavity_radius)

    def _right_ventricle(self, canvas: Canvas, taper: float) -> NDArray:
        """Returns a crescent once the left ventricle is painted over it; gone at the apex."""
        size = max(presence(canvas.z, -1.0, 1.9), 0) ** 0.5
        centre = (
            HEART_CENTRE[0] + RIGHT_VENTRICLE_OFFSET[0] * taper,
            HEART_CENTRE[1] + RIGHT_VENTRICLE_OFFSET[1] * taper,
        )
        return canvas.ellipse(centre, [radius * size for radius in self.right_ventricle_radii], 20)

    def _paint_papillary_muscles(self, canvas: Canvas, cavity_radius: float) -> None:
        radius = self.papillary_radius * presence(canvas.z, 0.0, 0.9)
        for angle in self.papillary_angles:
            centre = (
                HEART_CENTRE[0] + 0.68 * cavity_radius * math.cos(math.radians(angle)),
                HEART_CENTRE[1] + 0.68 * cavity_radius * math.sin(math.radians(angle)),
            )
            muscle = canvas.ellipse(centre, (1.25 * radius, radius), angle)
            canvas.paint(muscle, self.signals["myocardium"])
