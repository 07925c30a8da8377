"""What data sets say of themselves, and that TFDS can show them."""

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
import tensorflow_datasets as tfds
from raw_data import SIZE, read_back

from kdmri_tf import phantom_volume
from tfds_builders import brain, calgary, cardiac, knee, own, slice_features, synthetic
from tfds_builders.prepare import prepare

tfds.disable_progress_bar()

OWN = {"folder", "folder_kspace", "synthetic"}
FROM_THE_SAME = {"fastmri_multicoil": "fastmri", "mc": "sc"}
BUILDERS = [cardiac.Builder, brain.Builder, knee.Builder, calgary.Builder, own.Builder]


@pytest.fixture
def noise(monkeypatch):
    """Phantoms that are drawn in an instant."""

    def draw(anatomy, image_size, num_slices, seed):
        return np.random.default_rng(seed).random((num_slices, *image_size), np.float32)

    monkeypatch.setattr(synthetic, "phantom_volume", draw)


@pytest.mark.parametrize("builder_class", BUILDERS)
def test_every_source_has_a_homepage_and_a_licence(tmp_path, builder_class):
    homepages = {}
    for config in builder_class.BUILDER_CONFIGS:
        info = builder_class(config=config.name, data_dir=tmp_path).info
        homepages[config.name] = info.homepage
        licence = info.redistribution_info.license
        if config.name not in OWN:
            assert licence == f"The terms of those who distribute the data: {info.homepage}"
        assert licence
    assert all(homepage.startswith("https://") for homepage in homepages.values())
    people = {FROM_THE_SAME.get(name, name): homepages[name] for name in homepages.keys() - OWN}
    assert len(set(people.values())) == len(people)


def test_homepages_differ():
    assert len({builder_class.HOMEPAGE for builder_class in BUILDERS}) == len(BUILDERS)


def test_features_are_documented(tmp_path, noise):
    features = prepare("brain", "synthetic", None, tmp_path, SIZE).info.features
    assert set(features) == {"image", "volume", "slice"}
    for feature in features.values():
        assert feature.doc.desc.endswith(".")
    assert features["image"].doc.value_range == "[0, 1]"


class TestImages:
    def test_tfds_shows_them(self, tmp_path, noise):
        builder = prepare("brain", "synthetic", None, tmp_path, SIZE)
        with matplotlib.rc_context({"backend": "agg"}):
            figure = tfds.visualization.show_examples(
                builder.as_dataset(split="train"), builder.info
            )
        shown = figure.axes[0].images[0].get_array()
        assert shown.shape[:2] == SIZE
        np.testing.assert_allclose(np.squeeze(shown), read_back(builder, "train")[0][2])

    def test_no_bit_is_lost(self, tmp_path):
        images = phantom_volume("brain", (40, 36), 1, seed=2000)
        builder = prepare("brain", "synthetic", None, tmp_path, (40, 36))
        _, _, image = read_back(builder, "validation")[0]
        np.testing.assert_array_equal(image, images[0] / images[0].max())

    def test_they_are_encoded_as_tfds_does(self):
        image = np.random.default_rng(0).random((16, 12, 1), np.float32)
        image[0, :4, 0] = 0, 1, 1e-45, 1e-30
        feature = tfds.features.Image(shape=(16, 12, 1), dtype=np.float32)
        for encoded in (feature.encode_example(image), slice_features.png_of_floats(image)):
            np.testing.assert_array_equal(feature.decode_example(encoded), image)

    def test_tfds_reads_them_without_this_package(self, tmp_path, noise):
        builder = prepare("brain", "synthetic", None, tmp_path, SIZE)
        alone = tfds.builder_from_directory(builder.data_dir)
        (example, *_) = alone.as_dataset(split="train").as_numpy_iterator()
        np.testing.assert_array_equal(example["image"][..., 0], read_back(builder, "train")[0][2])

    def test_data_sets_of_earlier_versions_are_read(self, tmp_path, noise, monkeypatch):
        """Which have compressed tensors."""
        with monkeypatch.context() as patch:
            patch.setattr(slice_features, "_holds_tensors", lambda folder: True)
            earlier = prepare("brain", "synthetic", None, tmp_path / "earlier", SIZE)
            assert isinstance(earlier.info.features["image"], tfds.features.Tensor)
        again = prepare("brain", "synthetic", None, tmp_path / "earlier", SIZE)
        now = prepare("brain", "synthetic", None, tmp_path / "now", SIZE)
        assert isinstance(again.info.features["image"], tfds.features.Tensor)
        assert isinstance(now.info.features["image"], tfds.features.Image)
        for one, other in zip(read_back(again, "train"), read_back(now, "train"), strict=True):
            assert one[:2] == other[:2]
            np.testing.assert_array_equal(one[2], other[2])
        digests = [builder.info.metadata["splits"]["train"]["sha256"] for builder in (again, now)]
        assert digests[0] == digests[1]
        rebuilt = prepare("brain", "synthetic", None, tmp_path / "earlier", SIZE, rebuild=True)
        assert isinstance(rebuilt.info.features["image"], tfds.features.Image)


@pytest.mark.slow
def test_the_cores_can_be_divided_after_preparing(tmp_path):
    """Preparing has TensorFlow compute nothing."""
    code = (
        "import sys; from tfds_builders.prepare import prepare; from kdmri_tf import divide_cores; "
        "prepare('brain', 'synthetic', None, sys.argv[1], (32, 32)); divide_cores(4)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True)
