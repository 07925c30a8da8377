"""What all networks share: a name, named inputs, features beside the image, saving and export."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Self

import keras
import tensorflow as tf

from kdmri_tf.choices import EXPORT_FORMATS
from kdmri_tf.compute import parallel
from kdmri_tf.errors import InputError
from kdmri_tf.networks.conv_block import ConvBlock
from kdmri_tf.networks.exporter import exporter
from kdmri_tf.networks.frozen import freeze_parts, frozen_parts
from kdmri_tf.networks.image_shape import as_images, per_pixel
from kdmri_tf.networks.named_inputs import given_names, in_words, named_tensors, ranks
from kdmri_tf.networks.replica_fit import ReplicaFit
from kdmri_tf.networks.symbolic import symbolic_features
from kdmri_tf.physics.degradation import Degradation

Shape = tuple[int | None, ...]


class Network(ReplicaFit):
    """Undoes a degradation with one or more blocks of convolutions; what all networks share.

    `network(inputs)` gives the image, float32 `(batch, H, W, C)`, C = 1, or 2 for real and
    imaginary part; `network(inputs, return_features=True)` gives `(image, features)`, a list
    with the matched activation `(batch, H, W, filters)` of every block. Inputs are a dictionary of
    float32 tensors, as `input_specification` has them.

    Parts can be frozen, `network.blocks[0].trainable = False` or a convolution of a block, and stay
    so when the network is saved and loaded or cloned: its configuration lists them as `frozen`.

    A subclass computes one thing, `_restore`, checks shapes in `_check_shapes` and has:

    Attributes:
        degradation: the `Degradation` whose inputs it takes, a class.
        name_pattern: regular expression of its names.
        name_example: how such a name is written, in words.
        architecture: its own name.
        hyperparameters: all its arguments, name -> value.
        filters: channels between its convolutions.
        blocks: its `ConvBlock`s.
        complex_images: whether images have a real and an imaginary part.
    """

    degradation: ClassVar[type[Degradation]]
    name_pattern: ClassVar[str]
    name_example: ClassVar[str]
    filters: int
    blocks: list[ConvBlock]
    complex_images: bool = False

    def __init__(self, *, frozen: Sequence[str] = (), **kwargs: Any) -> None:
        if keras.backend.backend() != "tensorflow":
            raise InputError(
                f"Keras computes with {keras.backend.backend()} here, but kdmri_tf needs "
                "TensorFlow: set KERAS_BACKEND=tensorflow in the environment before Python starts."
            )
        # Mixed precision must not round the inputs: Keras would cast them before `call`.
        super().__init__(autocast=False, **kwargs)
        self._frozen = tuple(frozen)

    @classmethod
    def from_name(cls, name: str, **kwargs: Any) -> Self:
        """Makes the network of that name.

        Args:
            name: such as `name_example` describes, in upper or lower case.
            kwargs: other arguments of the constructor.

        Raises:
            InputError: this network has no names of that form, or an impossible architecture.
        """
        arguments = cls._arguments_of(str(name))
        if arguments is None:
            raise InputError(f"{name!r} is not a network name; write {cls.name_example}.")
        return cls(**arguments, **kwargs)

    @classmethod
    def _arguments_of(cls, name: str) -> dict[str, Any] | None:
        """Returns the arguments of the constructor for a name, or None if it is none."""
        raise NotImplementedError

    @property
    def architecture(self) -> str:
        """Its own name, as `from_name` takes it."""
        raise NotImplementedError

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """All arguments, name -> value."""
        raise NotImplementedError

    @property
    def channels(self) -> int:
        """Channels of its images: 1, or 2 for real and imaginary part."""
        return 2 if self.complex_images else 1

    @property
    def feature_factors(self) -> list[int]:
        """By how much each feature is smaller than the image, along both axes; one a cascade."""
        return [1] * len(self.blocks)

    @property
    def multiply_adds(self) -> float:
        """Multiply-adds of all convolutions in use, for each pixel of the image."""
        cascades = [self.block_of(index) for index in range(len(self.feature_factors))]
        return sum(
            block.multiply_adds / factor**2
            for block, factor in zip(cascades, self.feature_factors, strict=True)
        )

    def block_of(self, cascade: int) -> ConvBlock:
        """Returns the block that computes a cascade, counted from 0."""
        return self.blocks[cascade]

    @property
    def optional_inputs(self) -> tuple[str, ...]:
        """Names of the inputs that may be missing."""
        return ()

    @property
    def input_specification(self) -> dict[str, tf.TensorSpec]:
        """Name -> `tf.TensorSpec` of the inputs; batch, height and width are free."""
        return self.degradation.input_specification

    @property
    def facts(self) -> dict[str, Any]:
        """What every export tells about its network, as JSON values."""
        return {
            "architecture": self.architecture,
            **self.hyperparameters,
            "parameters": self.count_params(),
            "intended_use": "research only, not for clinical use",
        }

    def build(self, input_shape: Any) -> None:
        """Creates the weights, which depend on no size."""
        image = (None, None, None, self.channels)
        for block in self.blocks:
            block.build((None, None, None, block.channels))
        for weight in getattr(self, "consistency_weights", ()):
            weight.build(image)
        if hasattr(self, "data_consistency"):  # without weights, but `summary` asks for it
            shapes = (tuple(spec.shape) for spec in self.input_specification.values())
            self.data_consistency.build(image, *shapes)
        freeze_parts(self, self._frozen)
        self.built = True

    def call(
        self, inputs: Mapping[str, tf.Tensor], return_features: bool = False
    ) -> tf.Tensor | tuple[tf.Tensor, list[tf.Tensor]]:
        """Returns the image, float32 `(batch, H, W, C)`; with `return_features` its features too.

        Raises:
            InputError: the inputs break the contract of the network.
        """
        tensors, variables = self.check_inputs(inputs), self.trainable_variables
        image, features = parallel.by_parts(self._restore, *tensors, variables=variables)
        return (image, features) if return_features else image

    def _restore(self, *tensors: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Computes (image, features) from the inputs, in the order of `input_specification`."""
        raise NotImplementedError

    def check_inputs(self, inputs: Mapping[str, tf.Tensor]) -> list[tf.Tensor]:
        """Returns the float32 tensors of the inputs, in the order of `input_specification`.

        Those of `optional_inputs` that are not given are left out.

        Raises:
            InputError: they break the contract of the network.
        """
        tensors = named_tensors(self, inputs, self.optional_inputs)
        self._check_shapes({name: tuple(tensor.shape) for name, tensor in tensors.items()})
        return list(tensors.values())

    def compute_output_shape(self, input_shape: Mapping[str, Shape]) -> Shape:
        """Returns the shape of the image, `(batch, H, W, C)`.

        Args:
            input_shape: name -> shape of the inputs.
        """
        first = next(iter(self.input_specification))
        batch, *others = tuple(input_shape[first])
        return (batch, *others[-3:-1], self.channels)

    def compute_output_spec(
        self, inputs: Mapping[str, keras.KerasTensor], return_features: bool = False
    ) -> keras.KerasTensor | tuple[keras.KerasTensor, list[keras.KerasTensor]]:
        """Returns shapes and dtypes of what `call` returns, for functional models of networks.

        Raises:
            InputError: the inputs have other names.
        """
        names = given_names(self, inputs, self.optional_inputs)
        shape = self.compute_output_shape({name: tuple(inputs[name].shape) for name in names})
        image = keras.KerasTensor(shape, "float32")  # whatever the dtype policy
        if not return_features:
            return image
        cascades = [self.block_of(index) for index in range(len(self.feature_factors))]
        return image, symbolic_features(shape, cascades, self.feature_factors)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:
        """Computes the loss of `compile`; weights may be one for a slice, `(batch,)`, or more."""
        y = None if y is None else as_images(y, "target")
        if y is not None and not y.shape.is_compatible_with(y_pred.shape):
            raise InputError(
                f"The target must be images shaped like the network's, (batch, H, W, "
                f"{self.channels}), here {y_pred.shape}; got {y.shape}."
            )
        return super().compute_loss(x, y, y_pred, per_pixel(sample_weight), training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Updates the metrics of `compile`; weights as for `compute_loss`."""
        y = None if y is None else as_images(y, "target")
        return super().compute_metrics(x, y, y_pred, per_pixel(sample_weight))

    def _check_shapes(self, shapes: dict[str, Shape]) -> None:
        """Raises an InputError for an input of a shape that the network does not take."""
        raise NotImplementedError

    def check_degradation(self, degradation: Degradation) -> None:
        """Refuses data that is degraded in another way than this network undoes.

        Raises:
            InputError: the degradation makes other inputs.
        """
        taken_ranks, given_ranks = ranks(self), ranks(degradation)
        required = taken_ranks.keys() - set(self.optional_inputs)
        if not (required <= given_ranks.keys() and given_ranks.items() <= taken_ranks.items()):
            taken, given = in_words(self), in_words(degradation)
            raise InputError(
                f"{self.architecture} takes {taken}, but the data provides {given}; choose a "
                "network for this task."
            )

    def export(
        self,
        filepath: Path | str,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Writes the network for serving: `keras.Model.export`, with one contract for four formats.

        Args:
            filepath: file or folder to write.
            format: "tf_saved_model", "litert", "onnx" and "openvino" go to
                `kdmri_tf.export_network`; others, and any with an `input_signature`, to Keras.
            verbose: for Keras; `export_network` prints nothing.
            kwargs: the other arguments of `export_network` or Keras.

        Raises:
            InputError: as `export_network`.
        """
        name = {"tf_saved_model": "saved_model"}.get(format, format)
        if name in EXPORT_FORMATS and "input_signature" not in kwargs:
            exporter()(self, filepath, name, **kwargs)
        else:
            super().export(filepath, format=format, verbose=verbose, **kwargs)

    def quantize(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuses what Keras cannot do: it quantizes dense layers, but no convolutions.

        Raises:
            InputError: always, with the way to a quantized network.
        """
        raise InputError(
            "Keras has no quantized convolutions, so this network would stay as it is. Export it "
            'with quantized weights instead: network.export("student.onnx", format="onnx", '
            'quantize="int8", phase_encode_axis=0).'
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, for Keras to make the network anew."""
        frozen = frozen_parts(self)
        own = {**self.hyperparameters, **({"frozen": frozen} if frozen else {})}
        return {**super().get_config(), **own}
