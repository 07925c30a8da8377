"""Training slices vary anew in every pass, as a resumed run would have seen; others stay put."""

import contextlib
import functools

import numpy as np
import pytest
import tensorflow as tf
from conftest import flip

from kdmri_tf import InputError, compose_augmentations, load_data, random_contrast, random_flips
from kdmri_tf.data.provenance import variation_config
from kdmri_tf.physics.mask_choice import MaskChoice


def test_random_masks_differ_from_slice_to_slice_and_pass_to_pass(load_tiny, data):
    random = load_tiny(random_masks=True)
    assert not random.is_fixed
    assert data.is_fixed
    batches = random.batches("train", 6, seed=1, first_epoch=0).take(3)
    drawn = np.concatenate([inputs["mask"] for inputs, _ in batches])
    # 18 picks of 256 masks, seven times the same at most: by chance in one of 10^10 runs.
    assert len({mask.tobytes() for mask in drawn}) > 10
    for inputs, image in batches:
        kspace = np.fft.fft2(image[..., 0], norm="ortho") * inputs["mask"].numpy()
        np.testing.assert_allclose(inputs["kspace"][..., 0], kspace.real, atol=1e-5)
        np.testing.assert_allclose(inputs["kspace"][..., 1], kspace.imag, atol=1e-5)
    # As the sampler draws them: whole lines, 18 of 36, ten of them in the centre.
    assert (drawn == drawn[:, :, :1]).all()
    assert (drawn[:, :, 0].sum(axis=1) == 18).all()
    assert (np.fft.fftshift(drawn[:, :, 0], axes=1)[:, 13:23] == 1).all()


def test_random_masks_along_the_other_axis():
    mask, drawn = MaskChoice("uniform", 2, seed=0, random=True).masks_for((8, 32), 4, axis=1)
    assert drawn.shape[1:] == (1, 32)
    assert mask.shape == (8, 32)
    assert (drawn.sum(axis=(1, 2)) == 16).all()


def test_random_masks_come_from_a_sampler(tmp_path):
    arguments = {"source": "synthetic", "data_dir": tmp_path / "prepared", "random_masks": True}
    with pytest.raises(InputError, match="drawn by a sampler, but the mask array is given; name"):
        load_data("cardiac", 2, mask=np.ones((150, 150)), **arguments)
    assert not (tmp_path / "prepared").exists()


def test_augmentation_is_anew_in_every_pass(load_tiny, data):
    flipped = load_tiny(augment=flip)
    assert not flipped.is_fixed
    assert variation_config(flipped)["augment"] == "flip"
    plain, image = (
        np.concatenate([image for _, image in batches.take(8)])
        for batches in (
            chosen.batches("train", 6, seed=1, first_epoch=0) for chosen in (data, flipped)
        )
    )
    is_plain = (image == plain).all(axis=(1, 2, 3))
    is_flipped = (image == plain[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (is_plain | is_flipped).all()
    assert 8 < is_flipped.sum() < 40
    assert len({part.tobytes() for part in np.split(is_flipped, 8)}) > 1
    inputs, image = next(iter(flipped.batches("train", 6, seed=1)))
    kspace = np.fft.fft2(image[..., 0], norm="ortho") * data.mask
    np.testing.assert_allclose(inputs["kspace"][..., 0], kspace.real, atol=1e-5)


def test_random_flips_turn_each_axis_over_in_half_of_the_images(images):
    image = images[0]
    turned = [image, image[::-1], image[:, ::-1], image[::-1, ::-1]]
    counts = [0, 0, 0, 0]
    for seed in range(200):
        result = random_flips(tf.constant(image), tf.constant([seed, 7]))
        matches = [np.array_equal(result, expected) for expected in turned]
        assert sum(matches) == 1
        counts[matches.index(True)] += 1
    assert min(counts) > 25  # 50 each on average, six standard deviations
    assert random_flips(tf.constant(image), tf.constant([1, 2])).shape == image.shape


def test_random_flips_in_the_pipeline(load_tiny, data):
    turned = load_tiny(augment=random_flips)
    assert variation_config(turned)["augment"] == "random_flips"
    plain, image = (
        np.concatenate(
            [image for _, image in chosen.batches("train", 6, seed=1, first_epoch=0).take(8)]
        )
        for chosen in (data, turned)
    )
    orientations = [plain, plain[:, ::-1], plain[:, :, ::-1], plain[:, ::-1, ::-1]]
    matches = np.array([(image == other).all(axis=(1, 2, 3)) for other in orientations])
    assert matches.any(axis=0).all()
    assert (matches.sum(axis=1) > 2).all()


def test_random_contrast_is_a_power_from_0_7_to_1_5():
    image = tf.constant([0.0, 0.25, 0.5, 1.0])[:, tf.newaxis, tf.newaxis]
    exponents = []
    for seed in range(200):
        nothing, quarter, half, whole = random_contrast(image, tf.constant([seed, 3])).numpy()
        assert (nothing, whole) == (0, 1)
        exponents.append(np.log2(half[0, 0]) / np.log2(0.5))
        assert quarter[0, 0] == pytest.approx(0.25 ** exponents[-1], rel=1e-5)
    assert 0.7 <= min(exponents) < 0.74 < 1.4 < max(exponents) <= 1.5
    # Uniform in the logarithm: as many between 0.7 and the geometric mean as above it.
    assert 70 < np.sum(np.array(exponents) < np.sqrt(0.7 * 1.5)) < 130


def test_composed_augmentations_come_one_after_the_other(load_tiny):
    def double(image, seed):
        return image * 2

    def add_seed(image, seed):
        return image + tf.cast(seed[0] % 1000, tf.float32) + 1

    both = compose_augmentations(double, add_seed)
    reverse = compose_augmentations(add_seed, double)
    seed, nothing = tf.constant([4, 5]), tf.zeros((2, 2, 1))
    first, second = (tf.random.fold_in(seed, number) for number in (0, 1))
    np.testing.assert_array_equal(both(nothing, seed), add_seed(nothing, second))
    np.testing.assert_array_equal(reverse(nothing, seed), 2 * add_seed(nothing, first))
    assert (first != second).numpy().any()

    chosen = compose_augmentations(random_flips, random_contrast)
    varied = load_tiny(augment=chosen)
    assert variation_config(varied)["augment"] == "random_flips, random_contrast"
    nameless = compose_augmentations(random_flips, lambda image, seed: image)
    with pytest.raises(InputError, match="A run folder identifies an augmentation by its name"):
        variation_config(load_tiny(augment=nameless))


def test_variation_is_anew_in_every_pass_of_a_finite_data_set(varied):
    batches = varied.batches("train", 6, seed=3)
    first, second = ([inputs["mask"].numpy() for inputs, _ in batches] for _ in range(2))
    assert (first[0] != second[0]).any()


@pytest.mark.parametrize("seed", [None, 5])
def test_validation_and_ordered_slices_do_not_vary(data, varied, seed):
    def seen(chosen, split, seed):
        return [
            np.concatenate([inputs["kspace"].numpy(), inputs["mask"].numpy()[..., None]], axis=-1)
            for inputs, _ in chosen.batches(split, 4, seed)
        ]

    for split, chosen_seed in (("validation", seed), ("train", None)):
        expected = seen(data, split, chosen_seed)
        warned = split == "train"  # of variation that was asked for and is not there
        message = r"come as they are, without augmentation and random masks: give one, such as bat"
        with pytest.warns(match=message) if warned else contextlib.nullcontext():
            batches = seen(varied, split, chosen_seed)
        for batch, expected_batch in zip(batches, expected, strict=True):
            np.testing.assert_array_equal(batch, expected_batch)


def test_a_resumed_stream_varies_as_it_would_have(varied):
    def seen(first_epoch, batches):
        stream = varied.batches("train", 3, seed=7, first_epoch=first_epoch)
        return [(inputs["mask"].numpy(), image.numpy()) for inputs, image in stream.take(batches)]

    whole = seen(0, 8)
    tf.random.set_seed(99)
    for batch, expected in zip(seen(2, 4), whole[4:], strict=True):
        for value, expected_value in zip(batch, expected, strict=True):
            np.testing.assert_array_equal(value, expected_value)
    assert len({mask.tobytes() for mask, _ in whole}) == 8


def test_an_augmentation_without_a_name_has_no_place_in_a_run(load_tiny):
    """Else a stage would be taken for that of another augmentation."""
    for nameless in (lambda image, seed: image, functools.partial(flip)):
        with pytest.raises(InputError, match=r"by its name, but .* has none of its own: use a f"):
            variation_config(load_tiny(augment=nameless))


def test_a_cached_teacher_does_not_follow_variation(varied):
    teacher = tf.data.Dataset.from_tensor_slices({"image": np.zeros((6, 36, 34, 1), np.float32)})
    with pytest.raises(InputError, match="cannot follow augmentation and random masks: leave out"):
        varied.batches("train", 3, seed=1, teacher_outputs=teacher)


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        (lambda image, seed: image[1:], r"shape \(36, 34, 1\); got float32 \(35, 34, 1\)"),
        (
            lambda image, seed: tf.cast(image, tf.float16),
            r"a float32 image .*; got float16 \(36, 34, 1\)",
        ),
        (lambda image, seed: None, "got None"),
        ("flip", "augment must be a function .* not 'flip'"),
    ],
)
def test_augment_returns_an_image(load_tiny, augment, message):
    with pytest.raises(InputError, match=message):
        load_tiny(augment=augment)
