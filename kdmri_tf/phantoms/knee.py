"""A synthetic knee in sagittal proton-density slices.

The kneecap is on the left, the thigh on top. From the outer side (z = -1, where the fibula is seen)
to the inner (z = 1), condyles, menisci, kneecap and cruciate ligaments come and go. Lengths are in
half fields of view, one being about 80 mm at 320x320 pixels of 0.5 mm; shafts and muscles run on
beyond a square field, so that a tall image shows more of the leg.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from kdmri_tf.phantoms.canvas import Canvas
from kdmri_tf.phantoms.geometry import blended, presence
from kdmri_tf.phantoms.patient import Pose, patient_contrast
from kdmri_tf.phantoms.smooth_noise import SmoothNoise

# Proton-density signal: fat and fluid bright, marrow and cartilage next, muscle grey, fibres dark.
SIGNALS = {
    "skin": 0.45,
    "fat": 0.84,
    "muscle": 0.34,
    "marrow": 0.60,
    "growth plate": 0.40,
    "cortical bone": 0.05,
    "cartilage": 0.74,
    "fluid": 0.95,
    "meniscus": 0.08,
    "ligament": 0.12,
    "vessel": 0.22,
}

FAR = 4.0  # well outside any field of view
# x of the skin at some heights y, in front and behind.
SKIN_HEIGHTS = (-FAR, -1.0, -0.55, -0.27, 0.0, 0.35, 0.8, FAR)
SKIN_FRONT = (-0.80, -0.66, -0.64, -0.68, -0.66, -0.53, -0.43, -0.50)
SKIN_BACK = (1.00, 0.88, 0.78, 0.70, 0.68, 0.78, 0.88, 0.80)

# Bands (start, end, half width at start and end) that muscles are made of.
MUSCLES = (
    ((-0.36, -FAR), (-0.36, -1.00), 0.12, 0.12),  # vastus
    ((-0.36, -1.0), (-0.42, -0.58), 0.12, 0.03),
    ((0.58, -FAR), (0.58, -0.75), 0.27, 0.22),  # hamstrings
    ((0.58, -0.75), (0.56, -0.15), 0.22, 0.06),
    ((0.46, -0.30), (0.58, 0.55), 0.07, 0.20),  # gastrocnemius
    ((0.58, 0.55), (0.56, FAR), 0.20, 0.22),
    ((0.30, 0.62), (0.36, FAR), 0.06, 0.12),  # popliteus and soleus
)

CORTEX_THICKNESS = 0.017
CARTILAGE_THICKNESS = 0.040
TRABECULAR_CONTRAST = 0.055
GROWTH_PLATE_DISTANCE = 0.14  # from the cartilage's rim
FEMUR_END = (0.0, -0.50)
CONDYLE_CENTRE, NOTCH_CENTRE = (0.05, -0.21), (-0.03, -0.28)
ARTICULAR_TOP = -0.48  # no cartilage above this height
PLATEAU_FRONT, PLATEAU_BACK, PLATEAU_EDGE_RADIUS = (-0.16, 0.29), (0.27, 0.29), 0.11
TIBIA_NECK = (0.06, 0.85)
TIBIAL_TUBERCLE = (-0.17, 0.56)  # where the tendon of the kneecap ends
FIBULA_HEAD = (0.37, 0.42)
KNEECAP_CENTRE, KNEECAP_TILT = (-0.48, -0.30), -6
KNEECAP_TOP, KNEECAP_BOTTOM = (-0.52, -0.48), (-0.53, -0.11)
QUADRICEPS_TENDON_TOP = (-0.42, -1.5)


class Knee:
    """Paints one patient's knee; sizes, contrast and pose are drawn from `rng`."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.pose = Pose(rng, tilt=8, bend=0.018)
        self.signals = patient_contrast(rng, SIGNALS)
        self.condyle_radius = rng.uniform(0.31, 0.36)
        self.femur_half_width = rng.uniform(0.17, 0.21)
        self.tibia_half_width = rng.uniform(0.16, 0.20)
        self.kneecap_radii = rng.uniform(0.115, 0.135), rng.uniform(0.22, 0.25)
        self.subcutaneous_fat = rng.uniform(0.03, 0.12)
        self.tendon_half_width = rng.uniform(0.020, 0.030)
        self.fluid_half_width = rng.uniform(0.010, 0.030)
        self.grain = SmoothNoise(rng, 0.02)
        self.patches = SmoothNoise(rng, 0.10)
        self.trabeculae = SmoothNoise(rng, (0.1, 0.020, 0.008))
        self.fibres = SmoothNoise(rng, (0.1, 0.30, 0.018))
        self.septa = SmoothNoise(rng, (0.5, 0.25, 0.06))

    def paint(self, canvas: Canvas) -> None:
        """Paints the slice at `canvas.z`, from the skin inwards, and gives it texture."""
        femur, tibia = self._femur(canvas), self._tibia(canvas)
        fascia = self._paint_skin_and_fat(canvas)
        self._paint_muscles(canvas, fascia)
        self._paint_popliteal_vessel(canvas)
        self._paint_joint_fluid(canvas)
        self._paint_menisci(canvas, femur, tibia)
        self._paint_cruciate_ligaments(canvas)
        self._paint_joint_bone(canvas, femur, articular=ARTICULAR_TOP - canvas.y)
        self._paint_joint_bone(canvas, tibia, articular=canvas.y - PLATEAU_FRONT[1])
        self._paint_bone(canvas, self._fibula(canvas))
        self._paint_kneecap_and_tendons(canvas)
        canvas.image *= 1 + 0.04 * canvas.noise(self.grain) + 0.05 * canvas.noise(self.patches)

    def _paint_skin_and_fat(self, canvas: Canvas) -> NDArray:
        """Paints the leg's surface and returns the shape of the compartment inside the fascia."""
        front = PchipInterpolator(SKIN_HEIGHTS, SKIN_FRONT)(canvas.y).astype(np.float32)
        back = PchipInterpolator(SKIN_HEIGHTS, SKIN_BACK)(canvas.y).astype(np.float32)
        skin = np.maximum(front - canvas.x, canvas.x - back)
        canvas.paint(skin, self.signals["skin"])
        canvas.paint(skin + 0.018, self.signals["fat"])
        fascia = skin + 0.018 + self.subcutaneous_fat
        canvas.paint(np.abs(fascia) - 0.003, self.signals["muscle"])
        return fascia

    def _paint_muscles(self, canvas: Canvas, fascia: NDArray) -> None:
        fibres = 1 + 0.10 * canvas.noise(self.fibres)
        septum = 0.005 - 0.03 * np.abs(canvas.noise(self.septa))
        for belly in MUSCLES:
            inside = np.maximum(np.maximum(canvas.band(*belly), fascia), septum)
            canvas.paint(inside, self.signals["muscle"] * fibres)

    def _paint_popliteal_vessel(self, canvas: Canvas) -> None:
        radius = 0.022 * presence(canvas.z, 0.1, 0.4)
        vessel = np.minimum(
            canvas.band((0.50, -FAR), (0.42, -0.30), radius),
            canvas.band((0.42, -0.30), (0.44, FAR), radius),
        )
        canvas.paint(vessel - 0.02, self.signals["fat"])
        canvas.paint(vessel, self.signals["vessel"])

    def _paint_joint_fluid(self, canvas: Canvas) -> None:
        pouch = canvas.band((-0.40, -0.20), (-0.34, -0.68), self.fluid_half_width)
        canvas.paint(pouch, self.signals["fluid"])

    def _femur(self, canvas: Canvas) -> NDArray:
        """Returns shaft and condyle; in the middle slices the notch takes its back away."""
        notch = max(presence(canvas.z, 0.0, 0.45), 0.0)
        rounding = 1 - 0.25 * max(abs(canvas.z) - 0.5, 0)
        radius = self.condyle_radius * rounding * (1 - 0.22 * notch)
        centre = [
            (1 - notch) * condyle + notch * roof
            for condyle, roof in zip(CONDYLE_CENTRE, NOTCH_CENTRE, strict=True)
        ]
        shaft = canvas.band((-0.06, -FAR), FEMUR_END, self.femur_half_width)
        return blended(shaft, canvas.ellipse(centre, (1.06 * radius, 0.96 * radius)), radius=0.22)

    def _tibia(self, canvas: Canvas) -> NDArray:
        plateau = canvas.band(PLATEAU_FRONT, PLATEAU_BACK, PLATEAU_EDGE_RADIUS)
        head = canvas.band((0.05, 0.45), TIBIA_NECK, 0.26, self.tibia_half_width)
        shaft = canvas.band(TIBIA_NECK, (0.14, FAR), self.tibia_half_width)
        tubercle = canvas.ellipse((TIBIAL_TUBERCLE[0] + 0.06, TIBIAL_TUBERCLE[1]), (0.08, 0.16))
        return blended(
            blended(plateau, head, 0.1), blended(shaft, tubercle, radius=0.12), radius=0.1
        )

    def _fibula(self, canvas: Canvas) -> NDArray:
        half_width = 0.085 * presence(canvas.z, -1.0, 0.6)
        return canvas.band(FIBULA_HEAD, (0.42, FAR), half_width)

    def _paint_bone(self, canvas: Canvas, bone: NDArray) -> None:
        marrow = bone + CORTEX_THICKNESS
        trabeculae = 1 + TRABECULAR_CONTRAST * canvas.noise(self.trabeculae)
        canvas.paint(bone, self.signals["cortical bone"])
        canvas.paint(marrow, self.signals["marrow"] * trabeculae)

    def _paint_joint_bone(self, canvas: Canvas, bone: NDArray, articular: NDArray) -> None:
        """Paints femur or tibia with cartilage where `articular` < 0, and a closed growth plate."""
        cartilage = np.maximum(bone - CARTILAGE_THICKNESS, articular)
        canvas.paint(cartilage, self.signals["cartilage"])
        self._paint_bone(canvas, bone)
        growth_plate = np.abs(articular - GROWTH_PLATE_DISTANCE * (1 + 0.3 * canvas.x)) - 0.004
        canvas.paint(
            np.maximum(growth_plate, bone + 2 * CORTEX_THICKNESS), self.signals["growth plate"]
        )

    def _paint_menisci(self, canvas: Canvas, femur: NDArray, tibia: NDArray) -> None:
        """Paints dark wedges where femur and tibia part, in front of and behind their contact."""
        reach = 0.20 * min(-presence(canvas.z, 0.0, 0.3), 1.0)
        wedge = np.maximum(femur + tibia - reach, 0.11 - np.abs(canvas.x - CONDYLE_CENTRE[0]))
        canvas.paint(wedge, self.signals["meniscus"])

    def _paint_cruciate_ligaments(self, canvas: Canvas) -> None:
        anterior_width = 0.035 * presence(canvas.z, -0.12, 0.22)
        posterior_width = 0.040 * presence(canvas.z, 0.14, 0.22)
        ligaments = (
            canvas.band((0.20, -0.16), (-0.08, 0.18), anterior_width),
            canvas.band((-0.02, -0.03), (0.20, 0.00), posterior_width),
            canvas.band((0.20, 0.00), (0.33, 0.24), posterior_width),
        )
        for ligament in ligaments:
            canvas.paint(ligament, self.signals["ligament"])

    def _paint_kneecap_and_tendons(self, canvas: Canvas) -> None:
        tendons = np.minimum(
            canvas.band(KNEECAP_BOTTOM, TIBIAL_TUBERCLE, self.tendon_half_width),
            canvas.band(KNEECAP_TOP, QUADRICEPS_TENDON_TOP, self.tendon_half_width, 0.003),
        )
        canvas.paint(tendons, self.signals["ligament"])
        size = presence(canvas.z, 0.0, 1.4) ** 0.5
        kneecap = canvas.ellipse(
            KNEECAP_CENTRE, [radius * size for radius in self.kneecap_radii], KNEECAP_TILT
        )
        cartilage = np.maximum(kneecap - CARTILAGE_THICKNESS, KNEECAP_CENTRE[0] - canvas.x)
        canvas.paint(cartilage, self.signals["cartilage"])
        self._paint_bone(canvas, kneecap)
