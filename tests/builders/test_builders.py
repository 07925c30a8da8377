"""Preparing data sets with TFDS: the examples of every source, read back in order."""

import logging
import subprocess
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds
from raw_data import (
    SIZE,
    assert_same,
    centered_kspace,
    complex_images,
    expected_slices,
    read_back,
    write_acdc,
    write_folder,
    write_hdf5,
    write_mat5,
    write_nifti,
)
from tensorflow_datasets.core import dataset_metadata, shuffle

from kdmri_tf.errors import InputError
from tfds_builders import brain, calgary, cardiac, knee, own, synthetic
from tfds_builders.catalog import DATASETS
from tfds_builders.prepare import prepare
from tfds_builders.slice_builder import KEY_STEP
from tfds_builders.sources import SyntheticDataWarning

BUILDERS = {
    "cardiac": cardiac.Builder,
    "brain": brain.Builder,
    "knee": knee.Builder,
    "calgary": calgary.Builder,
    "own": own.Builder,
}

tfds.disable_progress_bar()


def random_volume(seed, shape=(20, 10, 3)):
    return np.random.default_rng(seed).integers(1, 4096, shape).astype(np.int16)


class TestSources:
    def test_acdc(self, manual_dir, data_dir):
        volumes = {
            ("training", "patient002", "01"): random_volume(1, (20, 10, 3)),
            ("training", "patient002", "12"): random_volume(2, (9, 30, 2)),
            ("training", "patient001", "01"): random_volume(3, (8, 8, 12)),
            ("testing", "patient101", "01"): random_volume(4),
        }
        write_acdc(manual_dir, volumes)
        builder = prepare("cardiac", "acdc", manual_dir, data_dir, SIZE)
        assert builder.info.full_name == "cardiac/acdc_16x12/1.0.3"
        order = [("patient001", "01"), ("patient002", "01"), ("patient002", "12")]
        train = [
            example
            for patient, frame in order
            for example in expected_slices(
                f"{patient}_frame{frame}", volumes["training", patient, frame].T
            )
        ]
        assert_same(read_back(builder, "train"), train)
        validation = volumes["testing", "patient101", "01"].T
        assert_same(
            read_back(builder, "validation"), expected_slices("patient101_frame01", validation)
        )
        counts = dict(builder.info.metadata["splits"]["train"])
        assert len(counts.pop("sha256")) == 64
        patients = {f"{name}_frame{frame}": name for name, frame in order}
        assert counts.pop("patients") == patients
        assert counts == {"volumes": 3, "slices": 17, "blank_slices": 0}
        assert len(builder.info.metadata["raw_files"]) == 4

    def test_standard_size_and_feature_types(self, manual_dir, data_dir):
        write_acdc(
            manual_dir,
            {
                (f, p, "01"): random_volume(1)
                for f, p in [("training", "patient001"), ("testing", "patient101")]
            },
        )
        builder = prepare("cardiac", "acdc", manual_dir, data_dir)
        assert builder.info.full_name == "cardiac/acdc/1.0.3"
        (example, *_) = builder.as_dataset(split="train").as_numpy_iterator()
        assert example["image"].shape == (150, 150, 1)
        assert example["image"].dtype == np.float32
        assert example["slice"].dtype == np.int32

    @pytest.mark.parametrize(
        ("source", "path"),
        [
            ("mrbrains18", "training/{}/pre/reg_T1.nii.gz"),
            ("mrbrains13", "TrainingData/{}/T1.nii"),
        ],
    )
    def test_mrbrains(self, manual_dir, data_dir, source, path):
        volumes = {name: random_volume(int(name), (16, 12, 2)) for name in ("1", "4", "5")}
        for name, volume in volumes.items():
            write_nifti(manual_dir / "brain" / source / path.format(name), volume)
        builder = prepare("brain", "auto", manual_dir, data_dir, SIZE)
        assert builder.builder_config.source == source
        for split, names in {"train": "1", "validation": "45"}.items():
            expected = [
                example
                for name in names
                for example in expected_slices(f"subject{name}", volumes[name].T)
            ]
            assert_same(read_back(builder, split), expected)

    def test_hammernik(self, manual_dir, data_dir, rng):
        coils = {(p, k): complex_images(rng, (2, 16, 12)) for p in (3, 12) for k in (11, 12, 31)}
        for (patient, k), images in coils.items():
            path = manual_dir / f"knee/hammernik/coronal_pd/{patient}/rawdata{k}.mat"
            write_mat5(path, np.moveaxis(centered_kspace(images), 0, 2))
        builder = prepare("knee", "hammernik", manual_dir, data_dir, SIZE)
        for split, patient in {"train": 3, "validation": 12}.items():
            images = [np.linalg.norm(coils[patient, k], axis=0) for k in (11, 12)]
            expected = expected_slices(f"patient{patient:02d}", images, first=11)
            assert_same(read_back(builder, split), expected)

    def test_hammernik_says_when_other_slices_are_used(self, manual_dir, data_dir, rng, caplog):
        for patient in (1, 11):
            path = manual_dir / f"knee/hammernik/coronal_pd/{patient}/rawdata3.mat"
            write_mat5(path, complex_images(rng, (16, 12, 2)))
        builder = prepare("knee", "hammernik", manual_dir, data_dir, SIZE)
        assert [example[1] for example in read_back(builder, "train")] == [3]
        assert "patient 1 has none of the papers' slices 11 to 30" in caplog.text

    def test_fastmri(self, manual_dir, data_dir, rng):
        images = {name: complex_images(rng, (2, 24, 10)) for name in ("train", "val")}
        for name, values in images.items():
            write_hdf5(
                manual_dir / f"knee/fastmri/singlecoil_{name}/file_{name}.h5",
                kspace=centered_kspace(values),
                reconstruction_esc=np.zeros((2, 10, 10), np.float32),
            )
        builder = prepare("knee", "fastmri", manual_dir, data_dir, SIZE)
        assert_same(
            read_back(builder, "train"), expected_slices("file_train", np.abs(images["train"]))
        )
        assert_same(
            read_back(builder, "validation"), expected_slices("file_val", np.abs(images["val"]))
        )

    @pytest.mark.parametrize("dataset", DATASETS)
    def test_folder(self, manual_dir, data_dir, dataset):
        write_folder(manual_dir, dataset, train_a=np.ones((40, 5)), validation_b=np.eye(9) * 2)
        builder = prepare(dataset, "auto", manual_dir, data_dir, SIZE)
        assert builder.builder_config.source == "folder"
        assert_same(read_back(builder, "train"), expected_slices("a", [np.ones((40, 5))]))
        assert_same(read_back(builder, "validation"), expected_slices("b", [np.eye(9)]))


class TestSynthetic:
    @pytest.fixture
    def seeds(self, monkeypatch):
        """Record the seeds of the phantoms, which are replaced by noise."""
        seeds = []

        def noise(anatomy, image_size, num_slices, seed):
            seeds.append(seed)
            return np.random.default_rng(seed).random((num_slices, *image_size), np.float32)

        monkeypatch.setattr(synthetic, "phantom_volume", noise)
        return seeds

    @pytest.mark.parametrize("dataset", DATASETS)
    def test_needs_no_files(self, data_dir, seeds, dataset):
        if dataset == "own":  # which has to be asked for phantoms
            builder = prepare(dataset, "synthetic", data_dir=data_dir, image_size=SIZE)
        else:
            with pytest.warns(SyntheticDataWarning, match="SYNTHETIC phantoms"):
                builder = prepare(dataset, data_dir=data_dir, image_size=SIZE)
        assert builder.builder_config.name == "synthetic_16x12"
        for split, (volumes, slices) in synthetic.NUM_VOLUMES_AND_SLICES[dataset].items():
            found = read_back(builder, split)
            assert len(found) == volumes * slices
            assert len({name for name, _, _ in found}) == volumes
        assert len(set(seeds)) == len(seeds)

    def test_asked_for_gives_no_warning_and_the_same_again(self, tmp_path, seeds):
        first, second = (
            read_back(prepare("knee", "synthetic", None, tmp_path / name, SIZE), "train")
            for name in ("one", "two")
        )
        assert_same(first, second)

    def test_the_real_phantoms_fit_in(self, data_dir):
        builder = prepare("cardiac", "synthetic", None, data_dir, (64, 48))
        _, _, image = read_back(builder, "validation")[0]
        assert image.max() == 1
        assert image.min() >= 0


class TestContent:
    def test_blank_slices_are_left_out_and_counted(self, manual_dir, data_dir, caplog):
        volume = np.ones((4, 16, 12))
        volume[[0, 2]] = 0
        write_folder(manual_dir, train_a=volume, validation_b=np.ones((1, 16, 12)))
        with caplog.at_level(logging.INFO, "tfds_builders"):
            builder = prepare("knee", "folder", manual_dir, data_dir, SIZE)
        assert [example[1] for example in read_back(builder, "train")] == [1, 3]
        assert builder.info.metadata["splits"]["train"]["blank_slices"] == 2
        assert "train: 2 slices (volumes: 1, blank slices left out: 2)" in caplog.text

    def test_slice_whose_centre_is_blank_is_left_out(self, manual_dir, data_dir):
        corner = np.zeros((2, 64, 64))
        corner[0, 0, 0] = corner[1, 32, 32] = 1
        write_folder(manual_dir, train_a=corner, validation_b=np.ones((1, 16, 12)))
        builder = prepare("knee", "folder", manual_dir, data_dir, SIZE)
        assert [example[1] for example in read_back(builder, "train")] == [1]

    def test_only_blank_slices_is_an_error(self, manual_dir, data_dir):
        write_folder(manual_dir, train_a=np.zeros((3, 16, 12)), validation_b=np.ones((16, 12)))
        with pytest.raises(InputError, match=r"has no slices left for train \(blank slices: 3, "):
            prepare("knee", "folder", manual_dir, data_dir, SIZE)

    def test_order_survives_a_split_too_large_for_memory(self, manual_dir, data_dir, monkeypatch):
        monkeypatch.setattr(shuffle, "MAX_MEM_BUFFER_SIZE", 1000)
        numbered = np.ones((300, 16, 12)) * np.arange(1, 301)[:, None, None]
        write_folder(manual_dir, train_a=numbered, train_b=numbered, validation_c=np.ones((16, 12)))
        builder = prepare("knee", "folder", manual_dir, data_dir, SIZE)
        order = [example[:2] for example in read_back(builder, "train")]
        assert order == [(name, index) for name in "ab" for index in range(300)]

    def test_keys_fill_more_than_one_bucket_on_disk(self):
        buckets = [
            shuffle.get_bucket_number(index * KEY_STEP, shuffle.BUCKETS_NUMBER)
            for index in range(0, 2**20, 1000)
        ]
        assert buckets == sorted(buckets)
        assert len(set(buckets)) > 900


class TestTFDS:
    @pytest.mark.slow
    def test_importing_the_package_registers_the_builder(self):
        code = (
            "import tfds_builders.cardiac, tensorflow_datasets as tfds; "
            "assert tfds.builder_cls('cardiac') is tfds_builders.cardiac.Builder"
        )
        subprocess.run([sys.executable, "-c", code], check=True)

    @pytest.mark.parametrize("dataset", DATASETS)
    def test_metadata_files_are_valid(self, dataset):
        metadata = BUILDERS[dataset].get_metadata()
        assert set(metadata.tags) <= set(dataset_metadata.valid_tags())
        assert "murugesan2020kdmri" in metadata.citation
        assert all(f"`{source}`" in metadata.description for source in DATASETS[dataset].sources)

    @pytest.mark.parametrize("dataset", DATASETS)
    def test_every_source_is_a_config(self, dataset):
        configs = BUILDERS[dataset].BUILDER_CONFIGS
        assert [config.name for config in configs] == list(DATASETS[dataset].sources)
        assert all(c.version and c.release_notes and c.description for c in configs)

    def test_load_by_name(self, manual_dir, data_dir):
        write_folder(manual_dir, train_a=np.ones((2, 16, 12)), validation_b=np.ones((16, 12)))
        loaded = tfds.load(
            "knee/folder_16x12",
            split="train",
            data_dir=data_dir,
            download_and_prepare_kwargs={
                "download_config": tfds.download.DownloadConfig(manual_dir=manual_dir)
            },
        )
        assert [e["volume"] for e in loaded.as_numpy_iterator()] == [b"a", b"a"]

    def test_unknown_config(self):
        with pytest.raises(ValueError, match="nothing_16x12 not found"):
            knee.Builder(config="nothing_16x12")
