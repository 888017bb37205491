"""Problems of a user's own pairs: what is asked of them, and what they are built of."""

import shutil

import keras
import numpy as np
import pytest
import tifffile
from PIL import Image

from apps.experiment import building, presets
from apps.experiment.own_pairs import classes_of
from apps.experiment.settings import Settings


@pytest.fixture
def folders(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(5):
        for part, shape in (("x", (24, 32, 3)), ("y", (24, 32)), ("fine", (48, 64))):
            (tmp_path / part).mkdir(exist_ok=True)
            top = 256 if part == "x" else 3
            pixels = rng.integers(0, top, shape).astype("uint8")
            Image.fromarray(pixels).save(tmp_path / part / f"{number}.png")
    return tmp_path


def problem(folders, target="y", **options):
    own = {"data_dir": str(folders / "x"), "target_dir": str(folders / target), "image_size": 16}
    return Settings(**{**own, "network": "unet", "width": 4, "batch_sizes": (1, 2), **options})


def test_masks_are_learned_by_logits_and_crossentropy_without_void(folders):
    made = problem(folders, classes="2", void=7)
    model = building.make_model(made, 1e-3)
    assert model.output.shape[-1] == 2
    assert model.loss.ignore_class == 7
    assert building.kind_of(made).loss_name == "crossentropy"
    held_out = building.kind_of(made).held_out()
    assert not {*held_out.files} & {*building.load_images(made, "train").files}
    ((x, y),) = building.make_validation(made, held_out)
    assert (x.shape, y.shape) == ((1, 24, 32, 3), (1, 24, 32))
    assert {*np.unique(y)} == {0, 1, 7}
    batch = next(iter(building.make_dataset(made, building.load_images(made, "train")).stage()))
    assert batch.fine[0][1].dtype == np.uint8
    assert batch.coarse[0][1].shape == (1, 8, 8)


def test_folders_to_validate_on_leave_all_others_to_train_on(folders):
    others = {"val_data_dir": str(folders / "fine"), "val_target_dir": str(folders / "y")}
    kind = building.kind_of(problem(folders, **others))
    assert [len(kind.load("train")), len(kind.held_out())] == [5, 5]
    assert {file.parent.name for file, _ in kind.load("train").files} == {"x"}
    assert {file.parent.name for file, _ in kind.held_out().files} == {"fine"}


def test_meshes_of_a_unet_are_an_option(folders):
    made = problem(folders, classes="3", multipliers=(1, 3))
    assert building.make_network(made).get_layer("down1").filters == 12
    with pytest.raises(ValueError, match="no option of resnet"):
        problem(folders, network="resnet", multipliers=(1, 3))


def test_pictures_are_learned_with_their_bands_and_scale(folders):
    made = problem(folders, "fine")
    network = building.make_network(made)
    assert network(np.zeros((1, 8, 8, 3))).shape == (1, 16, 16, 1)
    assert building.make_loss(made) == "mse"
    x, y = building.kind_of(made).black()
    assert (x.shape, y.shape) == ((1, 8, 8, 3), (1, 16, 16, 1))
    backwards = problem(folders, data_dir=str(folders / "fine"), target_dir=str(folders / "x"))
    with pytest.raises(ValueError, match="inputs of 48x64, targets of 24x32"):
        building.make_network(backwards)


def test_targets_of_their_own_range_are_learned_from_0_to_1(folders):
    (folders / "kelvin").mkdir()
    for number in range(5):
        values = np.linspace(0, 100, 24 * 32, dtype="float32").reshape(24, 32)
        tifffile.imwrite(folders / f"kelvin/{number}.tif", values)
    unknown = building.kind_of(problem(folders, "kelvin"))
    with pytest.raises(ValueError, match=r"\[0, 100\], not in \[0, 1\].*--target_range"):
        unknown.validation(unknown.held_out())
    for images in (unknown.load("train"), unknown.held_out()):
        with pytest.raises(ValueError, match="--target_range"):
            unknown.dataset(images, levels=(1, 2), steps_per_epoch=1)
    said = problem(folders, "kelvin", target_range=(0.0, 100.0))
    kind = building.kind_of(said)
    ((x, y),) = kind.validation(kind.held_out())
    assert (float(y.numpy().min()), float(y.numpy().max())) == (0.0, 1.0)
    assert x.numpy().max() > 0.9  # whose range is that of bytes
    assert "0 and 1 stand for 0 and 100" in kind.usage()
    batch = next(iter(building.make_dataset(said, kind.load("train")).stage()))
    assert 0.0 <= np.min(batch.fine[0][1]) < np.max(batch.fine[0][1]) <= 1.0


def test_masks_are_judged_without_void_and_shown_in_colours(folders):
    made = problem(folders, classes="3", void=2)
    kind = building.kind_of(made)
    held_out = kind.held_out()
    validation = kind.validation(held_out)
    judge = kind.judge(made, validation, held_out)

    class Right(keras.layers.Layer):
        """Knows the answer, but for a class where there is none."""

        def call(self, x):
            ((_, y),) = validation
            return keras.ops.one_hot(keras.ops.where(y == 2, 0, y), 3)

    reached = judge.table({"right": Right()})["right"]
    assert (reached.accuracy, reached.mean_iou) == (1.0, pytest.approx(1.0))
    ((_, y),) = validation
    (row,) = judge.sheet({"predicted": Right()})
    assert list(row) == ["input", "target", "predicted"]
    assert (row["target"][y[0] == 2] == 0).all()
    np.testing.assert_array_equal(row["target"][y[0] != 2], row["predicted"][y[0] != 2])


def test_pictures_are_judged_beside_the_input(folders):
    shutil.copytree(folders / "x", folders / "same")
    made = problem(folders, "same")
    kind = building.kind_of(made)
    judge = kind.judge(made, kind.validation(kind.held_out()), None)
    reached = judge.table({"as_is": keras.layers.Identity()})
    assert list(reached) == ["input", "as_is"]
    assert reached["as_is"].ssim == pytest.approx(1.0)


def test_presets_leave_tasks_out(folders):
    made = presets.make(Settings, "quick", data_dir="x", target_dir="y", classes="3")
    assert (made.network, made.width, made.t_low) == ("unet", 16, None)
    given = presets.make(Settings, "paper", data_dir="x", target_dir="y", network="resnet")
    assert given.network == "resnet"


def test_classes_are_a_number_or_colours():
    assert classes_of("11") == 11
    assert classes_of("black, #ff0000") == ["black", "#ff0000"]
    assert classes_of("0:0,255:1") == {0: 0, 255: 1}
    with pytest.raises(ValueError, match="Received: --classes=0:0,x:1"):
        classes_of("0:0,x:1")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target_dir": "y"}, "--target_dir goes with --data_dir"),
        ({"target_dir": "y", "data_dir": "x", "dataset": "stl10"}, "--dataset=stl10"),
        ({"classes": "3"}, "--classes goes with --target_dir"),
        ({"void": 0}, "--void goes with --target_dir"),
        ({"target_range": (0.0, 9.0)}, "--target_range goes with --target_dir"),
        ({"target_dir": "y", "data_dir": "x", "target_range": (9.0, 0.0)}, "the smaller one first"),
        (
            {"target_dir": "y", "data_dir": "x", "classes": "2", "target_range": (0.0, 9.0)},
            "--target_range is for targets that are pictures",
        ),
        ({"val_data_dir": "x"}, "--val_data_dir goes with --target_dir"),
        ({"target_dir": "y", "data_dir": "x", "val_data_dir": "v"}, "go together"),
        ({"target_dir": "y", "data_dir": "x", "sigma": 1.0}, "no option of pairs of your own"),
        ({"target_dir": "y", "data_dir": "x", "mean": (0.5,)}, "no --task"),
        ({"bands": 1}, "--bands goes with --dataset=folder, or with --target_dir"),
        ({"target_prefix": "m_"}, "--target_prefix goes with --target_dir"),
        ({"target_dir": "y", "data_dir": "x", "baseline": True}, "--baseline is for"),
        ({"target_dir": "y", "data_dir": "x", "loss": "crossentropy"}, "goes with --classes"),
        ({"target_dir": "y", "data_dir": "x", "classes": "2", "loss": "mse"}, "goes with --cl"),
    ],
)
def test_senseless_combinations_of_pairs_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Settings(**options)


def test_a_task_cannot_be_asked_for_with_pairs():
    with pytest.raises(ValueError, match="no --task"):
        presets.make(Settings, "quick", data_dir="x", target_dir="y", task="denoising")


def test_bands_and_prefixes_are_those_of_the_pairs(folders):
    for path in list((folders / "fine").iterdir()):
        path.rename(path.with_name(f"mask_{path.name}"))
    grey = {"data_dir": str(folders / "y"), "target_prefix": "mask_"}
    assert building.kind_of(problem(folders, "fine", **grey)).load("train").input_bands == 1
    made = problem(folders, "fine", **grey, bands=3)
    pairs = building.kind_of(made).load("train")
    assert (pairs.input_bands, len(pairs)) == (3, 4)
    assert building.make_network(made).input.shape[-1] == 3


def test_a_first_target_of_another_size_does_not_decide_the_scale(folders):
    Image.fromarray(np.zeros((24, 32), "uint8")).save(folders / "fine" / "0.png")
    x, y = building.kind_of(problem(folders, "fine")).black()
    assert (x.shape, y.shape) == ((1, 8, 8, 3), (1, 16, 16, 1))
