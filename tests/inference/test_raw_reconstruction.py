"""Raw k-space of one coil and several, from the file to the picture."""

import subprocess
import sys

import h5py
import keras
import nibabel
import numpy as np
import pytest
from needed_packages import needed
from PIL import Image
from scanner_file import COILS, SIZE, kspace_of, mask_of, parts_of, truth_of, write_volume
from simulated_coils import smooth_maps
from stand_in import ComplexZeroFilling, ZeroFilling

from kdmri_tf import (
    DCCNN,
    ComplexUndersampling,
    InputError,
    Reconstructor,
    phantom_volume,
)
from kdmri_tf.export.export_network import export_network
from kdmri_tf.inference.reconstruct_volume import reconstruct_file
from kdmri_tf.volumes.coil_compression import centre_of, virtual_coils


class TestMeasurement:
    @pytest.mark.parametrize("coils", [1, COILS])
    def test_is_what_networks_are_trained_on(self, tmp_path, coils):
        """NumPy makes the inputs and the target that `ComplexUndersampling` makes in TensorFlow."""
        kspace, mask = kspace_of(coils), mask_of()
        path = write_volume(tmp_path / "full.h5", kspace)
        np.save(tmp_path / "mask.npy", mask)
        parts, acquisition = parts_of(path, ComplexZeroFilling(), mask=tmp_path / "mask.npy")
        unshifted = np.stack([kspace_in_our_convention(slice) for slice in kspace])
        inputs, target = ComplexUndersampling(mask, coils=coils).pair(kspace=unshifted)
        for index, part in enumerate(parts):
            measured = part.measured
            np.testing.assert_allclose(measured.measurement, inputs["kspace"][index], atol=1e-5)
            expected = np.linalg.norm(target[index], axis=-1) * measured.scale
            np.testing.assert_allclose(measured.target, expected, rtol=1e-4, atol=1e-3)
            maps = inputs["sensitivities"][index]
            np.testing.assert_allclose(measured.sensitivities, maps, atol=1e-4)
        assert acquisition.origin.startswith("one coil" if coils == 1 else "4 coils")

    def test_undersampled_files_are_taken_as_they_are(self, undersampled, full, tmp_path):
        np.save(tmp_path / "mask.npy", mask_of())
        known, _ = parts_of(full, ComplexZeroFilling(), mask=tmp_path / "mask.npy")
        parts, acquisition = parts_of(undersampled, ComplexZeroFilling())
        np.testing.assert_array_equal(acquisition.mask, mask_of())
        for part, reference in zip(parts, known, strict=True):
            np.testing.assert_allclose(part.image, reference.image, rtol=1e-5, atol=1e-4)
            assert part.measured.target is None
        assert "undersampled already" in acquisition.origin
        assert "coil sensitivities from the 13 lowest of 40 lines" in acquisition.origin

    def test_maps_of_the_scan_may_come_from_a_file(self, undersampled, tmp_path):
        np.save(tmp_path / "maps.npy", smooth_maps(COILS, SIZE))
        path = tmp_path / "maps.npy"
        parts, acquisition = parts_of(undersampled, ComplexZeroFilling(), sensitivities=path)
        assert f"4 coils, sensitivities from {path}" in acquisition.origin
        magnitudes = np.linalg.norm(parts[0].measured.sensitivities, axis=-1)
        np.testing.assert_allclose(magnitudes, np.abs(smooth_maps(COILS, SIZE)), atol=1e-5)

    def test_espirit_is_a_choice(self, undersampled):
        needed("sigpy")
        _, acquisition = parts_of(undersampled, ComplexZeroFilling(), sensitivities="espirit")
        assert "by ESPIRiT" in acquisition.origin

    def test_the_phase_is_that_which_the_strongest_virtual_coil_sees(self, full):
        """Maps take it, so that networks get almost real images; it is put back."""
        parts, acquisition = parts_of(full, ComplexZeroFilling(), acceleration=1)
        unshifted = kspace_in_our_convention(kspace_of()[0])
        images = np.fft.ifft2(unshifted[..., 0] + 1j * unshifted[..., 1], norm="ortho")
        middle = kspace_in_our_convention(kspace_of()[1])
        centre = centre_of((middle[..., 0] + 1j * middle[..., 1])[np.newaxis])
        seen = np.einsum("c,chw->hw", virtual_coils(centre, 1)[0], images)
        difference = parts[0].image * seen.conj()
        off = np.sum(np.abs(difference) * np.abs(np.angle(difference))) / np.abs(difference).sum()
        assert off < 0.05
        weight = np.abs(seen)
        assert np.abs(np.sum(seen)) < 0.8 * weight.sum()  # it is no constant phase
        assert acquisition.coils == COILS

    def test_coils_are_compressed_where_asked(self, full):
        whole, _ = parts_of(full, ComplexZeroFilling(), acceleration=1)
        parts, acquisition = parts_of(full, ComplexZeroFilling(), acceleration=1, coils=2)
        assert parts[0].measured.measurement.shape == (2, *SIZE, 2)
        assert "4 coils compressed to 2 (" in acquisition.origin
        error = np.abs(parts[0].shown - whole[0].shown).max()
        assert error < 0.2 * whole[0].shown.max()

    def test_an_export_for_fewer_coils_has_them_compressed(self, full):
        parts, _ = parts_of(full, ComplexZeroFilling(coils=3), acceleration=1)
        assert parts[0].measured.measurement.shape[0] == 3

    def test_an_export_for_one_coil_refuses_to_drop_the_others(self, full):
        with pytest.raises(InputError, match=r"exported for one coil, but .* has 4: export it aga"):
            parts_of(full, ComplexZeroFilling(coils=1), acceleration=1)
        parts, _ = parts_of(full, ComplexZeroFilling(coils=1), acceleration=1, coils=1)
        assert parts[0].measured.sensitivities.shape == (1, *SIZE, 2)

    def test_a_file_with_fewer_coils_than_an_export_takes_is_refused(self, full):
        with pytest.raises(InputError, match=r"exported for 8 coils, but .* has 4: export it agai"):
            parts_of(full, ComplexZeroFilling(coils=8), acceleration=1)

    @pytest.mark.parametrize(("acceleration", "lines"), [(2, 13), (3, 8)])
    def test_drawn_masks_leave_room_beside_the_centre(self, tmp_path, acceleration, lines):
        """24 centre lines, or two thirds of those that are measured; columns, as in such files."""
        path = write_volume(tmp_path / "one.h5", kspace_of(1))
        network = ComplexZeroFilling(center_lines=24)
        _, acquisition = parts_of(path, network, acceleration=acceleration)
        assert (acquisition.mask == acquisition.mask[:1]).all()
        centre = np.fft.fftshift(acquisition.mask[0])[20 - lines // 2 : 20 + (lines + 1) // 2]
        assert centre.all()
        assert acquisition.mask[0].sum() == 40 // acceleration

    def test_the_readout_is_cropped(self, full):
        parts, acquisition = parts_of(
            *(full, ComplexZeroFilling()), acceleration=1, readout_rows=32, phase_encode_axis=1
        )
        assert parts[0].image.shape == (32, 40)
        assert "readout cropped from 48 rows to 32" in acquisition.origin
        truth = truth_of(kspace_of())[0, 8:40]
        np.testing.assert_allclose(parts[0].shown, truth, atol=0.5)

    def test_magnitude_images_count_as_one_coil(self, tmp_path):
        np.save(tmp_path / "images.npy", phantom_volume("knee", SIZE, 2, seed=0))
        parts, acquisition = parts_of(tmp_path / "images.npy", ComplexZeroFilling(), acceleration=1)
        assert "images taken as one coil" in acquisition.origin
        assert parts[0].psnr > 90

    def test_zeros_in_the_spectrum_of_an_image_are_no_gaps(self, tmp_path):
        """As those of a box of half the size."""
        box = np.zeros((1, 64, 64), np.float32)
        box[:, 16:48, 16:48] = 1
        np.save(tmp_path / "box.npy", box)
        parts, _ = parts_of(tmp_path / "box.npy", ComplexZeroFilling(), acceleration=1)
        assert parts[0].psnr > 90


def kspace_in_our_convention(kspace):
    """Centred k-space `(coils, H, W)` as float32 `(coils, H, W, 2)`, unshifted."""
    images = np.fft.ifft2(np.fft.ifftshift(kspace, axes=(-2, -1)), norm="ortho")
    unshifted = np.fft.fft2(np.fft.fftshift(images, axes=(-2, -1)), norm="ortho")
    return np.stack([unshifted.real, unshifted.imag], axis=-1).astype(np.float32)


class TestFiles:
    @pytest.fixture
    def model(self, tmp_path):
        """A network for complex images that changes what is zero-filled."""
        keras.utils.set_random_seed(0)
        path = tmp_path / "student.keras"
        DCCNN(2, 1, filters=4, complex_images=True).save(path)
        return path

    def test_the_whole_way(self, model, undersampled, tmp_path, capsys):
        output = tmp_path / "brain.nii.gz"
        reconstruct_file(model, undersampled, output, phase=True)
        magnitudes = nibabel.load(output).get_fdata()
        phases = nibabel.load(tmp_path / "brain-phase.nii.gz").get_fdata()
        assert magnitudes.shape == phases.shape == (40, 48, 2)
        assert magnitudes.min() >= 0
        assert np.abs(phases).max() <= np.pi + 1e-6
        printed = capsys.readouterr().out
        assert "4 coils, coil sensitivities from the 13 lowest of 40 lines" in printed
        assert "brain-phase.nii.gz: their phase, in radians" in printed
        with Image.open(tmp_path / "brain.png") as preview:
            assert preview.width > 300

    def test_maps_are_not_overwritten(self, model, undersampled, tmp_path):
        path = tmp_path / "maps.npy"
        np.save(path, smooth_maps(COILS, SIZE))
        with pytest.raises(InputError, match="would overwrite an input"):
            reconstruct_file(model, undersampled, path, sensitivities=path)

    def test_npy_holds_complex_values(self, model, undersampled, tmp_path):
        reconstruct_file(model, undersampled, tmp_path / "a.npy")
        reconstruct_file(model, undersampled, tmp_path / "a.h5")
        values = np.load(tmp_path / "a.npy")
        assert values.dtype == np.complex64
        with h5py.File(tmp_path / "a.h5") as file:
            np.testing.assert_allclose(np.abs(values), file["reconstruction"], rtol=1e-6)

    def test_phase_of_magnitudes_is_refused(self, tmp_path, full):
        wishes = {"acceleration": 2, "phase": True}
        with pytest.raises(InputError, match="magnitude images, which have no phase: leave"):
            reconstruct_file(ZeroFilling(), full, tmp_path / "a.nii", **wishes)

    def test_several_coils_go_through_litert_without_tensorflow(self, tmp_path, undersampled):
        keras.utils.set_random_seed(0)
        network = DCCNN(2, 1, filters=4, complex_images=True)
        layout = {"image_size": SIZE, "phase_encode_axis": 1, "coils": COILS}
        path = tmp_path / "student.tflite"
        export_network(network, path, "litert", **layout)
        output = tmp_path / "brain.npy"
        code = (
            "import sys; sys.modules['tensorflow'] = None; sys.modules['keras'] = None\n"
            "from kdmri_tf.inference.reconstruct_volume import reconstruct_file\n"
            f"reconstruct_file({str(path)!r}, {str(undersampled)!r}, {str(output)!r})"
        )
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        network.save(tmp_path / "student.keras")
        reconstruct_file(tmp_path / "student.keras", undersampled, tmp_path / "keras.npy")
        expected = np.load(tmp_path / "keras.npy")
        np.testing.assert_allclose(np.load(output), expected, atol=1e-4 * np.abs(expected).max())


def test_an_export_that_estimates_sensitivities_is_given_none(undersampled, tmp_path):
    keras.utils.set_random_seed(0)
    network = DCCNN(2, 1, filters=4, complex_images=True)
    layout = {"image_size": SIZE, "phase_encode_axis": 1, "coils": COILS}
    path = tmp_path / "student.onnx"
    export_network(network, path, "onnx", estimates_sensitivities=True, **layout)
    network.save(tmp_path / "student.keras")
    inside, _ = parts_of(undersampled, Reconstructor(path))
    given, _ = parts_of(undersampled, Reconstructor(tmp_path / "student.keras"))
    for first, second in zip(inside, given, strict=True):
        atol = 1e-4 * second.shown.max()
        np.testing.assert_allclose(first.image, second.image, atol=atol)
    with pytest.raises(InputError, match="estimates the sensitivities itself: leave out"):
        parts_of(undersampled, Reconstructor(path), sensitivities="espirit")
