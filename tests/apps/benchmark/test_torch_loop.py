"""The PyTorch loop beside ours; needs the extra `benchmark`."""

import importlib

import keras
import numpy as np
import pytest
from conftest import small_images

import keras_ms
from apps.benchmark import torch_loop
from apps.benchmark.settings import BenchmarkSettings


@pytest.mark.parametrize("options", [{"conditional": True}, {"network": "espcn", "width": None}])
def test_no_pytorch_loop_for_what_is_not_written_there(options, capsys):
    settings = BenchmarkSettings(**{"width": 4, **options})
    assert not torch_loop.available(settings)
    assert "No PyTorch loop is written for these: --" in capsys.readouterr().out


def one_batch():
    task = keras_ms.tasks.Denoising()
    return next(iter(keras_ms.MultiscaleDataset(small_images(), task, (2, 4), 16, 1).stage(0)))


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="the extra `benchmark`")
def test_the_pytorch_loop_takes_the_same_step():
    import torch

    batch, network = one_batch(), torch_loop.resnet(4, 2)
    ours = keras_ms.networks.ResNet(width=4)
    model = keras_ms.MultiscaleModel(ours.input, ours.output)
    model.compile(keras.optimizers.SGD(1.0), "mse")
    channels_first = [
        np.transpose(w, (3, 2, 0, 1)) if w.ndim == 4 else w for w in model.get_weights()
    ]
    for theirs, weight in zip(network.parameters(), channels_first, strict=True):
        theirs.data = torch.tensor(np.array(weight))
    terms = [
        [tuple(map(torch.tensor, torch_loop.arrays(side))) for side in sides]
        for sides in zip(batch.fine, batch.coarse, strict=True)
    ]
    torch_loop.step_of(network, torch.optim.SGD(network.parameters(), lr=1.0), terms)
    model.train_step(batch)
    for theirs, weight in zip(network.parameters(), model.get_weights(), strict=True):
        moved = theirs.detach().numpy()
        moved = np.transpose(moved, (2, 3, 1, 0)) if moved.ndim == 4 else moved
        np.testing.assert_allclose(moved, weight, rtol=1e-3, atol=1e-5)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="the extra `benchmark`")
def test_the_pytorch_worker_trains():
    with torch_loop.Worker(4, 2) as worker:
        step = worker.step(one_batch())
        first = step()
        assert np.isfinite(first)
        assert step() != first
