"""The synthetic patients: repeatable, varied, and built like the anatomy they are named after."""

from itertools import combinations

import numpy as np
import pytest
from scipy import ndimage

from kdmri_tf.errors import InputError
from kdmri_tf.phantoms.phantom_volume import ANATOMIES, phantom_volume

SEEDS = range(5)
AIR = {"cardiac": np.s_[:20, -10:], "brain": np.s_[:, :12], "knee": np.s_[100:140, :8]}  # of 240


def correlation(first, second):
    return np.corrcoef(first.ravel(), second.ravel())[0, 1]


def disc_mean(image, x, y, radius):
    """Mean over a disc; lengths in half fields of view from the image's centre, y down."""
    rows, columns = np.indices(image.shape)
    half_side = min(image.shape) / 2
    across = (columns - image.shape[1] / 2) / half_side - x
    down = (rows - image.shape[0] / 2) / half_side - y
    return image[across**2 + down**2 <= radius**2].mean()


def corners(image, size=8):
    return np.stack([image[r, c] for r in np.s_[:size, -size:] for c in np.s_[:size, -size:]])


@pytest.mark.parametrize("anatomy", ANATOMIES)
@pytest.mark.parametrize("image_size", [(64, 64), (75, 101), (33, 32), (160, 92)])
def test_shape_type_and_range(anatomy, image_size):
    volume = phantom_volume(anatomy, image_size, num_slices=3, seed=1)
    assert volume.shape == (3, *image_size)
    assert volume.dtype == np.float32
    assert np.isfinite(volume).all()
    assert volume.min() >= 0
    assert volume.max() == 1
    assert (volume.max(axis=(1, 2)) > 0.3).all()


@pytest.mark.parametrize("anatomy", ANATOMIES)
def test_same_seed_gives_the_same_bits(anatomy):
    first, second = (phantom_volume(anatomy, (64, 48), num_slices=2, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("anatomy", ANATOMIES)
def test_another_seed_is_another_patient(anatomy):
    """Patients differ by more than the noise does: also after averaging the noise away."""
    volumes = [phantom_volume(anatomy, (96, 96), num_slices=1, seed=seed)[0] for seed in SEEDS]
    smooth = [ndimage.uniform_filter(image, 5) for image in volumes]
    pairs = list(combinations(smooth, 2))
    assert min(np.abs(first - second).mean() for first, second in pairs) > 0.02
    assert np.mean([correlation(*pair) for pair in pairs]) > 0.3  # still the same anatomy


def test_anatomies_do_not_share_random_numbers():
    """The same seed must not give a heart and a knee the same noise in the air around them."""
    heart, knee = (phantom_volume(name, (64, 64), 1, seed=0)[0] for name in ("cardiac", "knee"))
    air = np.s_[:20, -6:]
    assert abs(correlation(heart[air], knee[air])) < 0.5


@pytest.mark.parametrize("anatomy", ANATOMIES)
def test_neighbouring_slices_resemble_each_other(anatomy):
    """More than distant slices of one patient, and more than another patient's same slice."""
    volume = phantom_volume(anatomy, (96, 96), num_slices=9, seed=2)
    stranger = phantom_volume(anatomy, (96, 96), num_slices=9, seed=3)
    neighbours = [correlation(volume[i], volume[i + 1]) for i in range(8)]
    strangers = [correlation(volume[i], stranger[i]) for i in range(9)]
    assert np.mean(neighbours) > np.mean(strangers)
    assert np.mean(neighbours) > correlation(volume[0], volume[-1])
    assert max(neighbours) < 0.999


@pytest.mark.parametrize("anatomy", ANATOMIES)
def test_size_changes_the_resolution_not_the_patient(anatomy):
    coarse = phantom_volume(anatomy, (60, 60), num_slices=1, seed=4)[0]
    fine = phantom_volume(anatomy, (180, 180), num_slices=1, seed=4)[0]
    fine_averaged = fine.reshape(60, 3, 60, 3).mean(axis=(1, 3))
    assert correlation(coarse, fine_averaged) > 0.9


@pytest.mark.parametrize("anatomy", ANATOMIES)
def test_air_holds_only_modest_rician_noise(anatomy):
    """In air the Rayleigh distribution has mean / standard deviation = 1.91."""
    for seed in SEEDS:
        image = phantom_volume(anatomy, (240, 240), num_slices=1, seed=seed)[0]
        air = image[AIR[anatomy]]
        assert 0.005 < air.mean() < 0.04
        assert air.mean() / air.std() == pytest.approx(1.91, rel=0.15)


@pytest.mark.parametrize("seed", SEEDS)
def test_heart_has_bright_blood_in_a_dark_ring_between_dark_lungs(seed):
    image = phantom_volume("cardiac", (150, 150), num_slices=1, seed=seed)[0]
    smooth = ndimage.gaussian_filter(image, 1)
    angles = np.deg2rad(np.arange(0, 360, 5))
    radii = np.linspace(0, 0.6, 60)[:, None]
    centre = np.array(image.shape)[:, None, None] / 2
    rays = centre + 75 * np.stack([-0.02 + radii * np.sin(angles), 0.08 + radii * np.cos(angles)])
    profile = ndimage.map_coordinates(smooth, rays, order=1)
    blood = profile[:10].mean()
    myocardium = profile[10:].min(axis=0)
    assert (myocardium < 0.6 * blood).all()
    assert corners(image)[1].mean() < 0.2 * blood  # the air, top right


def test_ventricles_taper_towards_the_apex():
    for seed in SEEDS:
        base, *_, apex = phantom_volume("cardiac", (150, 150), num_slices=7, seed=seed)
        heart = np.s_[30:110, 30:120]
        assert base[heart].mean() > 1.3 * apex[heart].mean()


@pytest.mark.parametrize("seed", SEEDS)
def test_head_is_brighter_in_white_matter_than_skull_and_air(seed):
    image = phantom_volume("brain", (240, 240), num_slices=1, seed=seed)[0]
    white_matter = np.mean([disc_mean(image, side * 0.25, 0.0, 0.05) for side in (-1, 1)])
    assert corners(image, 30).max() < 0.25 * white_matter
    from_left = ndimage.gaussian_filter(image, 0.7)[115:125, :120].mean(axis=0)
    scalp = from_left[:80].argmax()
    skull = from_left[scalp : scalp + 20].min()
    assert skull < 0.4 * white_matter < 0.4 * from_left[scalp]


def best_mirror_correlation(image, axis):
    """Correlation of a head with its mirror image, the head turned to where that is highest."""
    row, column = np.round(ndimage.center_of_mass(image > 0.15)).astype(int)
    half = min(row, column, image.shape[0] - 1 - row, image.shape[1] - 1 - column)
    head = image[row - half : row + half + 1, column - half : column + half + 1]
    turned = (ndimage.rotate(head, degrees, reshape=False, order=1) for degrees in range(-8, 9, 2))
    return max(correlation(head, np.flip(head, axis)) for head in turned)


@pytest.mark.parametrize("seed", SEEDS)
def test_head_is_more_symmetric_left_to_right_than_top_to_bottom(seed):
    volume = phantom_volume("brain", (120, 120), num_slices=3, seed=seed)
    left_to_right, top_to_bottom = (
        np.mean([best_mirror_correlation(image, axis) for image in volume]) for axis in (1, 0)
    )
    assert left_to_right > top_to_bottom


def test_cortex_is_folded():
    """A circle halfway into the cortex crosses many sulci; one in the deep white matter, few."""
    image = phantom_volume("brain", (240, 240), num_slices=1, seed=0)[0]
    angles = np.linspace(0, 2 * np.pi, 720, endpoint=False)

    def crossings(fraction):
        rows = 120 + 120 * 0.84 * fraction * np.sin(angles)
        columns = 120 + 120 * 0.68 * fraction * np.cos(angles)
        ring = ndimage.map_coordinates(ndimage.gaussian_filter(image, 0.7), [rows, columns])
        return np.count_nonzero(np.diff(ring > 0.8 * np.percentile(ring, 90)))

    assert crossings(0.70) > 24
    assert crossings(0.70) > 2 * crossings(0.40)


@pytest.mark.parametrize("seed", SEEDS)
def test_knee_bones_are_grey_inside_a_dark_line_between_air_in_front_and_behind(seed):
    image = phantom_volume("knee", (320, 320), num_slices=1, seed=seed)[0]
    for height in (-0.3, 0.5):  # femur, tibia
        marrow = disc_mean(image, 0.02, height, 0.06)
        row = ndimage.gaussian_filter(image, 0.7)[int(160 * (1 + height))]
        cortex_in_front, cortex_behind = row[90:163].min(), row[163:240].min()
        assert max(cortex_in_front, cortex_behind) < 0.5 * marrow
        assert row[:8].mean() < 0.1 * marrow


@pytest.mark.parametrize("seed", SEEDS)
def test_kneecap_is_marrow_closed_in_by_cortex(seed):
    """The kneecap is a bright island: a dark line cuts it off from everything around it."""
    image = phantom_volume("knee", (320, 320), num_slices=1, seed=seed)[0]
    smooth = ndimage.gaussian_filter(image, 0.7)
    rows, columns = np.indices(image.shape)
    in_front_of_femur = (np.abs(rows - 112) < 30) & (np.abs(columns - 83) < 20)
    islands, count = ndimage.label(smooth > 0.55 * np.median(smooth[in_front_of_femur]))
    areas = ndimage.sum_labels(in_front_of_femur, islands, np.arange(1, count + 1))
    whole = ndimage.sum_labels(np.ones_like(islands), islands, np.arange(1, count + 1))
    assert ((areas > 300) & (whole < 3000)).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("liver", (64, 64), 1, 0), "Unknown anatomy 'liver': choose one of cardiac, brain, knee"),
        (("brain", (31, 64), 1, 0), r"image_size must be .* at least 32; got \(31, 64\)"),
        (("brain", (64, -1), 1, 0), r"The image size \(64, -1\) is not a height and a width"),
        (("brain", 64, 1, 0), "The image size 64 is not a height and a width"),
        (("brain", (64, 64, 64), 1, 0), r"The image size \(64, 64, 64\) is not a height and a w"),
        (("brain", (10**5, 10**5), 1, 0), "100000x100000 has 10,000,000,000 pixels, but an image"),
        (("brain", (64, 64), 0, 0), "num_slices must be at least 1; got 0"),
        (("brain", (64, 64), 1, -3), "seed must be at least 0; got -3"),
        (("brain", (64, 64), 2.0, 0), r"num_slices must be a whole number; got 2\.0"),
        (("brain", (64, 64), 1, 1.5), r"seed must be a whole number; got 1\.5"),
        (("brain", (4096, 4096), 65, 0), "A phantom of 65 slices has 1,090,519,040 samples, but"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        phantom_volume(*arguments)
