"""Which wishes fit a volume and a network, and which mask the network was trained with."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.io
from needed_packages import needed
from stand_in import Copying, ZeroFilling, centered_kspace

from kdmri_tf import DCCNN, InputError, Reconstructor, equispaced_mask, gaussian_mask
from kdmri_tf.data.provenance import data_facts
from kdmri_tf.export.export_network import export_network
from kdmri_tf.inference.choose_acquisition import acquisition_of
from kdmri_tf.inference.reconstruct_volume import reconstruct_file
from kdmri_tf.inference.training_conditions import trained_mask, warn_of_other_conditions
from kdmri_tf.physics.masks import true_acceleration
from kdmri_tf.physics.undersampling import Undersampling
from kdmri_tf.volumes.open_volume import open_volume

DRAWING = {"mask_seed": 0, "center_lines": 10, "phase_encode_axis": 0}


@pytest.fixture
def choose(tmp_path):
    """Saves an array and returns the acquisition of it."""

    def run(network, array=None, **wishes):
        np.save(tmp_path / "a.npy", np.ones((2, 32, 32)) if array is None else array)
        with open_volume(tmp_path / "a.npy") as volume:
            return acquisition_of(volume, network, **wishes)

    return run


def facts_of(mask):
    """What training writes down of its mask."""
    return {
        "image_size": list(mask.shape),
        "acceleration": round(true_acceleration(mask), 4),
        **data_facts(SimpleNamespace(degradation=Undersampling(mask), mask=mask, coils=None)),
    }


def test_a_mask_of_cmrxrecon(choose, tmp_path):
    """Centred in a MATLAB file, unshifted here."""
    lines = np.zeros((32, 32))
    lines[:, [3, 14, 15, 16, 17, 30]] = 1
    scipy.io.savemat(tmp_path / "a_mask.mat", {"mask": lines})
    found = choose(ZeroFilling(), mask=tmp_path / "a_mask.mat")
    np.testing.assert_array_equal(found.mask, np.fft.ifftshift(lines))
    with pytest.raises(InputError, match=r"There is no mask file .*b\.mat"):
        choose(ZeroFilling(), mask=tmp_path / "b.mat")


def test_images_are_undersampled_as_in_training(choose):
    """By the mask of the training where it fits, else by a drawn one of its acceleration."""
    facts = {"acceleration": 2.0, "phase_encode_axis": 0, "measured_lines": list(range(16))}
    own = choose(ZeroFilling(**facts, image_size=[32, 32]))
    assert own.mask[:16].all()
    assert (
        own.origin == "undersampled by the mask of the network's training, true acceleration 2.00"
    )
    drawn = gaussian_mask((32, 32), 2, axis=0)
    other_size = choose(ZeroFilling(**facts, image_size=[32, 40]))
    np.testing.assert_array_equal(other_size.mask, drawn)
    seeded = choose(ZeroFilling(**facts, image_size=[32, 32]), mask_seed=0)
    np.testing.assert_array_equal(seeded.mask, drawn)


class TestWishes:
    @pytest.mark.parametrize(
        ("network", "wishes", "message"),
        [
            (
                Copying(),
                {"acceleration": 4},
                r"copying\.onnx raises .* leave out --acc; .* \(in code: acceleration\)",
            ),
            (Copying(), {"mask": "uniform", "acceleration": 4}, "leave out --acc and --mask;"),
            (Copying(), {"scale": 0.5}, r"at least 1; got 0\.5"),
            (Copying(), {"scale": 99}, "Scale 99 leaves nothing"),
            (ZeroFilling(), {"scale": 2}, "leave out --scale; --acc 4 undersamples"),
            (ZeroFilling(), {}, "holds images: add --acc 4"),
            (
                ZeroFilling(),
                {"mask": "uniform"},
                "A uniform mask needs an acceleration: add --acc 4",
            ),
            (
                ZeroFilling(),
                {"mask": "m.npy", "acceleration": 4},
                r"mask m\.npy is used as it is: leave out --acc; that is for drawn masks \(gauss",
            ),
            (ZeroFilling(), {"mask": "m.npy"}, r"no mask file m\.npy"),
            (ZeroFilling(), {"acceleration": 9}, "leaves 3 of 32 lines, fewer than the 10 centre"),
        ],
    )
    def test_that_do_not_fit(self, choose, network, wishes, message):
        with pytest.raises(InputError, match=message):
            choose(network, **wishes)

    @pytest.mark.parametrize("name", DRAWING)
    @pytest.mark.parametrize(
        ("network", "wishes", "message"),
        [
            (Copying(), {}, r"copying\.onnx raises the resolution and takes no mask"),
            (ZeroFilling(), {"mask": "m.npy"}, r"The mask m\.npy is used as it is"),
            (ZeroFilling(), {"mask": "trained"}, "The mask trained is used as it is"),
            (ZeroFilling(), {}, r"Without --acc, the samples of .*a\.npy are used as they are"),
        ],
    )
    def test_that_would_have_no_effect(
        self, choose, network, wishes, message, name, tmp_path, monkeypatch
    ):
        monkeypatch.chdir(tmp_path)
        np.save("m.npy", gaussian_mask((32, 32), 2))
        flag = f"--{name.replace('_', '-')}"
        with pytest.raises(InputError, match=f"{message}: leave out {flag}; "):
            choose(
                network, centered_kspace(np.ones((2, 32, 32))), **{name: DRAWING[name]}, **wishes
            )

    @pytest.mark.parametrize(
        ("facts", "wishes", "axis"),
        [
            ({}, {}, 0),
            ({"phase_encode_axis": 1}, {}, 1),
            ({"phase_encode_axis": 1}, {"phase_encode_axis": 0}, 0),
        ],
    )
    def test_of_a_file_of_lines(self, choose, tmp_path, facts, wishes, axis):
        """They lie along the axis that is asked for, or else along that of the network."""
        lines = gaussian_mask((32, 32), 2)
        np.save(tmp_path / "m.npy", lines[:, 0])
        found = choose(ZeroFilling(**facts), mask=tmp_path / "m.npy", **wishes)
        np.testing.assert_array_equal(found.mask, lines if axis == 0 else lines.T)

    @pytest.mark.parametrize("name", DRAWING)
    def test_of_a_drawn_mask(self, choose, name):
        acquisition = choose(ZeroFilling(), acceleration=2, **{name: DRAWING[name]})
        np.testing.assert_array_equal(acquisition.mask, gaussian_mask((32, 32), 2))

    @pytest.mark.parametrize(
        ("facts", "lines"),
        [({"center_lines": 6}, 6), ({}, 10), ({"dataset": "knee", "center_lines": 4}, 4)],
    )
    def test_centre_lines_are_those_of_the_training(self, choose, facts, lines):
        acquisition = choose(ZeroFilling(**facts), acceleration=2)
        expected = gaussian_mask((32, 32), 2, center_lines=lines)
        np.testing.assert_array_equal(acquisition.mask, expected)

    def test_of_a_drawn_mask_by_the_script(self, tmp_path, run_here):
        np.save(tmp_path / "a.npy", np.ones((1, 32, 32)))
        np.save(tmp_path / "m.npy", gaussian_mask((32, 32), 2))
        DCCNN(2, 1, filters=2).save(tmp_path / "n.keras")
        files = (tmp_path / "n.keras", tmp_path / "a.npy", tmp_path / "b.npy")
        mask = ("--mask", tmp_path / "m.npy")
        _, error = run_here("reconstruct", *files, *mask, "--mask-seed", 0, expect=2)
        assert "m.npy is used as it is: leave out --mask-seed; that is for drawn masks" in error
        assert not (tmp_path / "b.npy").exists()
        run_here("reconstruct", *files, *mask)
        assert (tmp_path / "b.npy").exists()


class TestMaskOfTheTraining:
    @pytest.mark.parametrize("axis", [0, 1])
    def test_is_drawn_again_from_its_lines(self, choose, axis):
        mask = equispaced_mask((32, 30), 3, center_lines=4, axis=axis, seed=3)
        network = ZeroFilling(**facts_of(mask))
        acquisition = choose(network, np.ones((2, 32, 30)), mask="trained")
        np.testing.assert_array_equal(acquisition.mask, mask)
        assert acquisition.mask.dtype == np.float32
        warn_of_other_conditions(network.metadata, (32, 30), acquisition.mask)  # would be an error

    def test_of_a_volume(self, tmp_path, capsys):
        mask = gaussian_mask((32, 30), 2, seed=3)
        images = np.random.default_rng(0).uniform(size=(2, 32, 30))
        np.save(tmp_path / "a.npy", images)
        network = ZeroFilling(**facts_of(mask))
        reconstruct_file(network, tmp_path / "a.npy", tmp_path / "b.npy", mask="trained")
        expected = np.fft.ifft2(mask * np.fft.fft2(images)).real
        np.testing.assert_allclose(np.load(tmp_path / "b.npy"), expected, atol=1e-5)
        assert "by the mask of the network's training, true acceleration 2.00" in (
            capsys.readouterr().out
        )

    @pytest.mark.parametrize(
        ("name", "packages"),
        [
            ("model.keras", []),
            ("saved_model", []),
            ("litert.tflite", ["ai_edge_litert"]),
            ("onnx.onnx", ["onnxruntime", "tf2onnx"]),
            ("openvino", ["openvino"]),
        ],
    )
    def test_travels_with_every_format(self, tmp_path, name, packages):
        for package in packages:
            needed(package)
        mask = gaussian_mask((36, 32), 2, seed=3)
        network, path = DCCNN(2, 1, filters=2), tmp_path / name
        network.save(tmp_path / "model.keras")
        (tmp_path / "config.json").write_text(json.dumps({"config": facts_of(mask), "facts": {}}))
        if name != "model.keras":
            facts = Reconstructor(tmp_path / "model.keras").metadata
            layout = {"image_size": (36, 32), "phase_encode_axis": 0}
            export_network(network, path, path.stem, metadata=facts, **layout)
        found = trained_mask(Reconstructor(path).metadata, (36, 32), path)
        np.testing.assert_array_equal(found, mask)

    @pytest.mark.parametrize(
        ("facts", "message"),
        [
            (
                {},
                r"zero_filling\.onnx does not say which .* .* \.npy file \(--mask; in code",
            ),
            (
                {"image_size": [32, 32], "label": "4x"},
                "does not say which lines its training",
            ),
            (facts_of(gaussian_mask((40, 32), 2)), "slices of 40x32 pixels, but these have 32x32"),
        ],
    )
    def test_that_is_not_known_or_of_another_size(self, choose, facts, message):
        with pytest.raises(InputError, match=message):
            choose(ZeroFilling(**facts), mask="trained")


class TestTrainedConditions:
    mask = gaussian_mask((32, 30), 2)

    @pytest.mark.parametrize(
        ("facts", "message"),
        [
            ({"image_size": [150, 150]}, "slices of 150x150 pixels, but these have 32x30"),
            ({"acceleration": 2.2}, r"acceleration 2\.20, but this mask has 2\.00"),
            ({"phase_encode_axis": 1}, "a mask of whole columns, but this one has other samples"),
            (
                {"phase_encode_axis": 0, "measured_lines": list(range(16))},
                "other lines of the same number",
            ),
            ({"scale": 2}, "scale 2, but this is 4"),
        ],
    )
    def test_each_difference_is_one_warning(self, facts, message):
        with pytest.warns(
            UserWarning, match=rf"trained on {message}; images may be worse"
        ) as record:
            warn_of_other_conditions(facts, (32, 30), self.mask, scale=4)
        assert len(record) == 1

    @pytest.mark.parametrize(
        ("trained", "found", "message"),
        [(1, 8, "k-space of one coil, but this has 8 coils"), (4, 1, "4 coils, but this has one")],
    )
    def test_one_coil_and_several_are_different(self, trained, found, message):
        with pytest.warns(UserWarning, match=rf"trained on .*{message}"):
            warn_of_other_conditions({"coils": trained}, (32, 30), coils=found)
        warn_of_other_conditions({"coils": 4}, (32, 30), coils=8)  # several are several

    @pytest.mark.parametrize(
        "facts",
        [
            {},
            {"image_size": [32, 30], "acceleration": 2.05},
            {
                "phase_encode_axis": 0,
                "measured_lines": np.flatnonzero(mask[:, 0]).tolist(),
            },
            {"phase_encode_axis": 0, "measured_lines": [0], "random_masks": True},
        ],
    )
    def test_no_difference_no_warning(self, facts):
        warn_of_other_conditions(facts, (32, 30), self.mask)
