import pytest

from apps.experiment import options, presets
from apps.experiment.settings import Settings


def test_what_is_replaced_counts_as_given():
    made = presets.make(Settings, "quick", width=3)
    changed = options.replaced(made, seed=4)
    assert (changed.width, changed.seed) == (3, 4)
    assert (made.given, changed.given) == (("width",), ("width", "seed"))
    assert options.replaced(Settings(), seed=4).given is None


def test_what_is_remembered_is_no_option():
    values = options.as_dict(presets.make(Settings, "quick"))
    assert (values["network"], values["t_low"]) == ("half_resnet", 0.7)
    assert values.keys() == options.as_dict(Settings()).keys()
    assert not {"given", "preset"} & set(values)


def test_choices_of_one_and_of_several():
    made = Settings(portable=("onnx", "litert"), loss="mse")
    options.check_choice(made, "portable", ("onnx", "litert"))
    with pytest.raises(ValueError, match=r"--portable takes some of jpeg\. Received: onnx, litert"):
        options.check_choice(made, "portable", ("jpeg",))
    with pytest.raises(ValueError, match=r"--loss is one of mae, ssim\. Received: mse"):
        options.check_choice(made, "loss", ("mae", "ssim"))
