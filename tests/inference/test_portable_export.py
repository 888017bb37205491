"""ONNX and LiteRT files, run by their own runtimes, equal the network at even and odd sizes."""

import numpy as np
import pytest

from apps.experiment import exporting
from apps.experiment.building import make_network
from apps.experiment.settings import Settings

SIZES = [(1, 16, 24), (2, 17, 31), (1, 33, 22)]
NETWORKS = [
    {"network": "resnet", "width": 4},
    {"network": "resnet", "width": 4, "normalization": "channel", "residual": True},
    {"network": "unet", "width": 4, "residual": True},
    {"network": "espcn", "task": "super_resolution", "residual": True},
]
EVERY = pytest.mark.parametrize("options", NETWORKS)


def trained(options):
    settings = Settings(**options)
    network = make_network(settings)
    rng = np.random.default_rng(0)
    network.set_weights([0.2 * rng.normal(size=w.shape) for w in network.get_weights()])
    return settings, network


def pictures(shape):
    return np.random.default_rng(1).random((*shape, 3)).astype("float32")


@EVERY
def test_onnx(options, tmp_path):
    import onnxruntime

    settings, network = trained(options)
    path = exporting.export_portable(network, settings, tmp_path, "onnx")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    whole = exporting.pictures_model(network, settings)
    for shape in SIZES:
        x = pictures(shape)
        (got,) = session.run(None, {session.get_inputs()[0].name: x})
        np.testing.assert_allclose(got, whole(x), atol=1e-5)


@EVERY
def test_litert(options, tmp_path):
    from ai_edge_litert.interpreter import Interpreter

    settings, network = trained(options)
    path = exporting.export_portable(network, settings, tmp_path, "litert")
    interpreter = Interpreter(model_path=str(path))
    whole = exporting.pictures_model(network, settings)
    for shape in SIZES:
        x = pictures(shape)
        index = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(index, x.shape, strict=True)
        interpreter.allocate_tensors()
        interpreter.set_tensor(index, x)
        interpreter.invoke()
        got = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        np.testing.assert_allclose(got, whole(x), atol=1e-5)
