"""What people have in their hands: arrays, datasets, generators, files; examples are made of it."""

from keras_ms.data.inputs.any_input import examples_of

__all__ = ["examples_of"]
