"""Networks as functional Keras models of any image size."""

from keras_ms.networks.resnet import ResNet

__all__ = ["ResNet"]
