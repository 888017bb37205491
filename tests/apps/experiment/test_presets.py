import numpy as np
import pytest
import tensorflow as tf

import keras_ms
from apps.experiment import building, presets
from apps.experiment.settings import Settings


def test_presets_depend_on_task_and_network():
    made = presets.make(Settings, "paper", task="super_resolution", network="espcn")
    assert made.batch_sizes == (1, 2, 4, 8)
    assert made.iterations == (2000,) * 4
    assert (made.learning_rate, made.decay, made.loss) == (1e-3, "constant", "ssim")
    assert made.width is None
    made = presets.make(Settings, "quick", task="deblurring", network="unet")
    assert (made.width, made.dropout, made.t_low) == (16, 0.0, None)
    assert presets.make(Settings, "paper", task="inpainting").iterations == (2000,) * 4
    assert presets.make(Settings, "paper", task="deblurring").border == "circular"


@pytest.mark.parametrize("task", keras_ms.tasks.names())
def test_the_quick_presets_network_keeps_colours(task):
    """It begins as the input, and normalises no pixels of the whole image."""
    made = presets.make(Settings, "quick", task=task)
    assert made.residual
    assert made.normalization in (None, "channel")
    assert made.keep_contrast
    network = building.make_network(made)
    image = np.random.default_rng(0).normal(size=(1, 24, 24, 3)).astype("float32")
    wanted = image if made.task != "super_resolution" else tf.image.resize(image, (48, 48))
    np.testing.assert_allclose(network(image), wanted, atol=0.1)
    assert keras_ms.inference.receptive_field(network) is not None


def test_paper_preset_has_the_papers_values():
    settings = presets.make(Settings, "paper")
    assert settings.batch_sizes == (16, 32, 64, 128)
    assert settings.iterations == (250, 500, 1000, 2000)
    assert settings.single_scale_batch == 240
    assert (settings.width, settings.depth) == (None, None)  # the network's own: 128 and 2
    assert (settings.learning_rate, settings.final_learning_rate) == (5e-4, 1e-6)
    assert (settings.coarsening, settings.restriction) == ("degrade_first", "stride")
    assert (settings.t_low, settings.t_high, settings.image_size) == (0.0, 1.0, 128)


def test_what_goes_with_a_value_of_the_preset_is_left_with_it():
    made = presets.make(Settings, "paper", coarsening="task")
    assert (made.coarsening, made.restriction) == ("task", "average")
    made = presets.make(Settings, "paper", coarsening="degrade_first", restriction="stride")
    assert made.restriction == "stride"


def test_an_unknown_preset_is_named():
    with pytest.raises(ValueError, match=r"one of quick, paper\. Received: --preset=slow"):
        presets.make(Settings, "slow")


@pytest.mark.parametrize(
    ("name", "default", "text"),
    [
        ("flip", True, "default: True"),
        ("width", None, "quick: 32 for resnet and resnet18 and resnet50, 16 for unet, 8 for unet5"),
        (
            "batch_sizes",
            (4, 8),
            "quick: 4,8, 4,16 for half_resnet; paper: 16,32,64,128, 1,2,4,8 for super_resolution",
        ),
    ],
)
def test_values_by_preset_are_described(name, default, text):
    assert presets.described(name, default).startswith(text)
