"""Every Python block of README and docs runs when it is pasted alone."""

import pathlib
import re
import warnings

import keras
import numpy as np
import pytest
import short_runs
import tifffile
from PIL import Image

import keras_ms

ROOT = pathlib.Path(__file__).parent.parent
BESIDE = [ROOT / "README.md", ROOT / "saved_models" / "README.md"]
PAGES = [*BESIDE, *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", flags=re.DOTALL | re.MULTILINE)


def python_blocks(path):
    """The Python blocks of a page."""
    return [code for _, kind, code in FENCED.findall(path.read_text()) if kind.startswith("py")]


BLOCKS = [
    pytest.param(code, id=f"{path.relative_to(ROOT).with_suffix('')}-{number}")
    for path in PAGES
    for number, code in enumerate(python_blocks(path), 1)
]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Folders as pages name them: photographs, masks of three classes, scans of 12 bits."""
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    for name in ("photos", "masks", "scans"):
        (folder / name).mkdir()
    for number in range(6):
        mask = np.repeat(np.repeat(rng.integers(0, 3, (8, 8), np.uint8), 20, 0), 20, 1)
        photo = (80 * mask[..., np.newaxis] + rng.integers(0, 40, (160, 160, 3))).astype(np.uint8)
        Image.fromarray(photo).save(folder / "photos" / f"{number}.jpg")
        Image.fromarray(mask).save(folder / "masks" / f"{number}.png")
        scan = rng.integers(0, 4096, (32, 32), np.uint16)
        tifffile.imwrite(folder / "scans" / f"{number}.tif", scan)
    return folder


@pytest.fixture
def desk(files, tmp_path, monkeypatch):
    """A working directory with these folders, where runs are short."""
    for folder in files.iterdir():
        (tmp_path / folder.name).symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    short_runs.cut_down(monkeypatch)
    policy = keras.config.dtype_policy()
    yield tmp_path
    keras.config.set_dtype_policy(policy)
    keras.utils.clear_session()


def test_there_are_blocks_to_run():
    assert len(BLOCKS) > 25
    assert {path for path in PAGES if python_blocks(path)} >= {ROOT / "README.md"}


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("code", BLOCKS)
def test_a_block_runs_when_pasted_alone(code):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # nobody should be warned of what is advised
        exec(compile(code, "<pasted>", "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("code", BLOCKS)
def test_a_block_is_no_wider_than_the_code(code):
    assert max(map(len, code.splitlines())) <= 100


@pytest.mark.usefixtures("desk")
def test_runs_are_cut_down_but_go_through_every_stage():
    pair = np.zeros((4, 32, 32, 3), "float32"), np.zeros((4, 32, 32, 3), "float32")
    data = keras_ms.MultiscaleDataset(pair, levels=(1, 2), steps_per_epoch=50)
    schedule = keras_ms.FullMultiscaleSchedule((100, 200), steps_per_epoch=50)
    image = keras.Input((None, None, 3))
    convolved = keras.layers.Conv2D(3, 3, padding="same")(image)
    model = keras_ms.MultiscaleModel(image, convolved)
    model.compile("adam", "mse")
    history = model.fit(data, epochs=schedule.epochs, callbacks=[schedule], verbose=0).history
    assert history["resolution"] == [16, 32]
    assert model.optimizer.iterations == 2
