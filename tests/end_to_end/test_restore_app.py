"""`python -m apps.restore`, run as a user runs it, and the model it runs, where keras_ms is not."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from conftest import pixels
from PIL import Image

from apps import train
from apps.experiment.settings import Settings

ROOT = pathlib.Path(__file__).parents[2]
TINY = {
    "strategy": "single_scale",
    "single_scale_batch": 2,
    "iterations": (2,),
    "image_size": 32,
    "width": 4,
    "dtype_policy": "float32",
    "validation_samples": 2,
}


def trained(directory, **options):
    (outcome,) = train.run(Settings(output=str(directory), **{**TINY, **options}))
    return outcome.model


@pytest.fixture(scope="module")
def denoiser(tmp_path_factory):
    directory = tmp_path_factory.mktemp("denoiser")
    model = trained(directory, network="unet", normalization="channel")
    return directory / "model", model


def pictures_model(model, **noise_level):
    """What the app shall make of a network: pictures in [0, 1] in and out."""

    def restored(pictures):
        normal = (pictures - 0.5) / 0.5
        inputs = {"image": normal, **noise_level} if noise_level else normal
        return np.clip(0.5 * model(inputs, training=False) + 0.5, 0.0, 1.0)

    return restored


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "apps.restore", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )


def test_saved_model_equals_the_network_at_random_sizes_and_keeps_the_type(denoiser):
    directory, model = denoiser
    loaded = tf.saved_model.load(str(directory))
    whole = pictures_model(model)
    rng = np.random.default_rng(0)
    for height, width in [(1, 1), (3, 2), *rng.integers(1, 70, (6, 2))]:
        picture = rng.random((2, height, width, 3)).astype("float32")
        wanted = whole(picture)
        for dtype in ("float32", "float64", "float16"):
            got = loaded(picture.astype(dtype))
            assert got.dtype.name == dtype
            np.testing.assert_allclose(got, wanted, atol=1e-2 if dtype == "float16" else 1e-5)
        bits = np.round(255 * picture).astype(np.uint8)
        got = loaded(bits)
        assert got.dtype == tf.uint8
        exact = 255.0 * whole(bits / np.float32(255.0))
        # Rounded to the nearest; of two that are as near, floats of either graph may choose.
        assert np.abs(got.numpy() - exact).max() <= 0.5 + 255.0 * 1e-5
        signature = loaded.signatures["serving_default"](pictures=tf.constant(picture))
        np.testing.assert_allclose(next(iter(signature.values())), wanted, atol=1e-5)


BLOCKED = (
    "import sys, numpy as np\n"
    "class Absent:\n"
    "    def find_spec(self, name, path=None, target=None):\n"
    "        if name.split('.')[0] in ('keras_ms', 'apps'):\n"
    "            raise ModuleNotFoundError(name)\n"
    "sys.meta_path.insert(0, Absent())\n"
    "import tensorflow as tf\n"
)


@pytest.mark.smoke
def test_saved_model_runs_where_keras_ms_is_not(denoiser, tmp_path):
    directory, model = denoiser
    picture = pixels(21, 34)
    np.save(tmp_path / "in.npy", picture[np.newaxis])
    code = BLOCKED + (
        f"model = tf.saved_model.load({str(directory)!r})\n"
        "np.save('out.npy', model(np.load('in.npy')))\n"
    )
    got = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert got.returncode == 0, got.stderr[-2000:]
    whole = pictures_model(model)(picture[np.newaxis] / np.float32(255.0))
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), 255.0 * whole, atol=0.51)


def test_conditional_model_where_keras_ms_is_not(tmp_path):
    model = trained(tmp_path / "told", conditional=True)
    code = BLOCKED + (
        f"model = tf.saved_model.load({str(tmp_path / 'told' / 'model')!r})\n"
        "level = np.full((2, 1), 0.7, 'float32')\n"
        "for height, width in ((1, 1), (5, 30)):\n"
        "    x = np.random.default_rng(height).random((2, height, width, 3), np.float32)\n"
        "    np.save(f'{height}.npy', model(x, level))\n"
    )
    got = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert got.returncode == 0, got.stderr[-2000:]
    whole = pictures_model(model, noise_level=np.full((2, 1), 0.7, "float32"))
    for height, width in ((1, 1), (5, 30)):
        x = np.random.default_rng(height).random((2, height, width, 3), np.float32)
        wanted = whole(x)
        np.testing.assert_allclose(np.load(tmp_path / f"{height}.npy"), wanted, atol=1e-5)


def test_a_folder_is_restored_with_names_formats_and_a_comparison(denoiser, tmp_path):
    directory, model = denoiser
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "clean" / "deep").mkdir(parents=True)
    for name in ("a.png", "deep/b.jpg"):
        for folder, seed in (("in", 0), ("clean", 1)):
            Image.fromarray(pixels(20, 30, seed)).save(tmp_path / folder / name)
    got = command(
        f"--model={directory}",
        f"--input={tmp_path / 'in'}",
        f"--output={tmp_path / 'out'}",
        f"--compare={tmp_path / 'clean'}",
    )
    assert got.returncode == 0, got.stderr[-2000:]
    assert {
        p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")
    } == {
        "a.png",
        "deep/b.jpg",
        "comparison_sheet.png",
    }
    whole = pictures_model(model)(pixels(20, 30)[np.newaxis] / np.float32(255.0))
    restored = np.asarray(Image.open(tmp_path / "out" / "a.png"), float)
    np.testing.assert_allclose(restored, 255.0 * whole[0], atol=0.51)
    row = next(line for line in got.stdout.splitlines() if "a.png" in line)
    clean = pixels(20, 30, 1) / 255.0
    for number, picture in ((1, pixels(20, 30) / 255.0), (3, restored / 255.0)):
        psnr = -10.0 * np.log10(np.mean((clean - picture) ** 2))
        assert float(row.split()[number]) == pytest.approx(psnr, abs=0.01)
    assert "mean" in got.stdout


def test_unreadable_files_are_named_and_skipped_and_the_exit_status_says_so(denoiser, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bad.png").write_bytes(b"no picture")
    Image.fromarray(pixels(8, 8)).save(tmp_path / "in" / "good.png")
    got = command(
        f"--model={denoiser[0]}", f"--input={tmp_path / 'in'}", f"--output={tmp_path / 'out'}"
    )
    assert got.returncode == 1
    assert "bad.png" in got.stderr
    assert "1 problems, named above" in got.stderr
    assert (tmp_path / "out" / "good.png").is_file()
    assert "Traceback" not in got.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--model=/nowhere", "--input=README.md", "--output=/tmp/x"],
            "There is no exported model",
        ),
        (["--input=README.md"], "--model, --input and --output are needed"),
    ],
)
def test_senseless_requests_end_in_one_line(arguments, message):
    got = command(*arguments)
    assert got.returncode == 1
    assert message in got.stderr.strip().splitlines()[-1]
    assert "Traceback" not in got.stderr


def test_super_resolution_enlarges_files(tmp_path):
    trained(tmp_path / "model", task="super_resolution", network="espcn", width=None)
    details = json.loads((tmp_path / "model/model/assets.extra/restoration.json").read_text())
    assert details["scale"] == 2
    Image.fromarray(pixels(130, 141)).save(tmp_path / "small.png")
    got = command(
        f"--model={tmp_path / 'model'}",
        f"--input={tmp_path / 'small.png'}",
        f"--output={tmp_path / 'out'}",
        "--max_pixels=10000",
    )
    assert got.returncode == 0, got.stderr[-2000:]
    with Image.open(tmp_path / "out" / "small.png") as made:
        assert made.size == (282, 260)
