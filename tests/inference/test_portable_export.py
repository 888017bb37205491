"""ONNX and LiteRT files, run by their own runtimes, equal the network at even and odd sizes."""

import numpy as np
import pytest

import keras_ms
from keras_ms.inference import export

SIZES = [(1, 16, 24), (2, 17, 31), (1, 33, 22)]
NETWORKS = [
    ("resnet", {"width": 4}),
    ("resnet", {"width": 4, "normalization": "channel", "residual": True}),
    ("unet", {"width": 4, "residual": True}),
    ("espcn", {"residual": True}),
]
EVERY = pytest.mark.parametrize(("name", "options"), NETWORKS)
STATISTICS = {"mean": (0.3, 0.5, 0.6), "std": 0.25}


def trained(name, options):
    network = keras_ms.networks.get(name, **options)
    rng = np.random.default_rng(0)
    network.set_weights([0.2 * rng.normal(size=w.shape) for w in network.get_weights()])
    return network


def by_hand(network, pictures):
    mean, std = np.array(STATISTICS["mean"], "float32"), STATISTICS["std"]
    return np.clip(std * network((pictures - mean) / std) + mean, 0.0, 1.0)


def pictures(shape):
    return np.random.default_rng(1).random((*shape, 3)).astype("float32")


@EVERY
def test_onnx(name, options, tmp_path):
    import onnxruntime

    network = trained(name, options)
    (path,) = export(network, tmp_path / "model", **STATISTICS, formats=("onnx",)).values()
    assert path == tmp_path / "model.onnx"
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for shape in SIZES:
        x = pictures(shape)
        (got,) = session.run(None, {session.get_inputs()[0].name: x})
        np.testing.assert_allclose(got, by_hand(network, x), atol=1e-5)


@EVERY
def test_litert(name, options, tmp_path):
    from ai_edge_litert.interpreter import Interpreter

    network = trained(name, options)
    (path,) = export(network, tmp_path / "model", **STATISTICS, formats=("litert",)).values()
    assert path == tmp_path / "model.tflite"
    interpreter = Interpreter(model_path=str(path))
    for shape in SIZES:
        x = pictures(shape)
        index = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(index, x.shape, strict=True)
        interpreter.allocate_tensors()
        interpreter.set_tensor(index, x)
        interpreter.invoke()
        got = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        np.testing.assert_allclose(got, by_hand(network, x), atol=1e-5)
