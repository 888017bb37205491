"""`python -m apps.restore`, run as a user runs it, and the model it runs, where keras_ms is not."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from apps import train
from apps.experiment import masks_of, one_picture, restoring
from apps.experiment.settings import Settings
from keras_ms import inference
from keras_ms.data.sources.class_maps import stored_indices

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


def pixels(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


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


IDENTITY = inference.Restorer(lambda pictures: pictures, receptive_field=8)


def restored(source, output, compare=None, model=IDENTITY, max_pixels=10**6):
    how = one_picture.How(model, max_pixels)
    job = restoring.Job(how, str(source), str(output), compare and str(compare))
    return restoring.restore_files(job)


def files(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(("source", "output"), [("", ""), ("b", ""), ("b/b/x.png", "b/b")])
def test_originals_are_never_overwritten(tmp_path, source, output):
    for folder in ("b", "b/b"):
        (tmp_path / folder).mkdir()
        Image.fromarray(pixels(8, 8)).save(tmp_path / folder / "x.png")
    with pytest.raises(ValueError, match="overwrite the originals"):
        restored(tmp_path / source, tmp_path / output)


def test_outputs_within_the_input_are_refused(tmp_path):
    Image.fromarray(pixels(8, 8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="must not lie within --input"):
        restored(tmp_path, tmp_path / "out")


def test_output_that_is_a_file_is_refused(tmp_path):
    Image.fromarray(pixels(8, 8)).save(tmp_path / "a.png")
    (tmp_path / "out").touch()
    with pytest.raises(ValueError, match="--output must be a folder"):
        restored(tmp_path / "a.png", tmp_path / "out")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_compared_upright(tmp_path, orientation):
    for folder in ("in", "clean"):
        (tmp_path / folder).mkdir()
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = Image.fromarray(pixels(20, 30))
    turned.save(tmp_path / "in" / "a.png", exif=exif)
    view = ImageOps.exif_transpose(Image.open(tmp_path / "in" / "a.png"))
    view.save(tmp_path / "clean" / "a.png")
    (result,), problems = restored(tmp_path / "in", tmp_path / "out", tmp_path / "clean")
    assert not problems
    assert result.compared[1].psnr == np.inf


def test_clean_pictures_are_found_by_name_whatever_their_format(tmp_path):
    for folder in ("in", "clean"):
        (tmp_path / folder).mkdir()
    for name in ("a [1]", "b", "c"):
        Image.fromarray(pixels(8, 8)).save(tmp_path / "in" / f"{name}.png")
    Image.fromarray(pixels(8, 8)).save(tmp_path / "clean" / "a [1].bmp")
    (tmp_path / "clean" / "a [1].aaa").touch()
    Image.fromarray(pixels(8, 8)).save(tmp_path / "clean" / "c.old.png")
    Image.fromarray(pixels(9, 8)).save(tmp_path / "clean" / "b.png")
    results, problems = restored(tmp_path / "in", tmp_path / "out", tmp_path / "clean")
    assert [r.compared is not None for r in results] == [True, False, False]
    assert [problem.split(":")[0] for problem in problems] == ["b.png", "c.png"]
    assert "c.png" in files(tmp_path / "out")


def test_what_cannot_be_written_does_not_end_the_run(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(pixels(8, 8)).save(tmp_path / "in" / name)
    (tmp_path / "out" / "a.png").mkdir(parents=True)
    results, problems = restored(tmp_path / "in", tmp_path / "out")
    assert [str(result.name) for result in results] == ["b.png"]
    assert "a.png: cannot be written" in problems[0]
    assert files(tmp_path / "out") == {"b.png"}


def test_memory_bounds_that_no_tile_fits_are_refused(tmp_path):
    Image.fromarray(pixels(8, 8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"has 9216 pixels at least. Received: --max_pixels=9215"):
        restored(tmp_path / "a.png", tmp_path / "out", max_pixels=9215)


def test_tiles_of_networks_that_couple_all_pixels_are_announced(tmp_path, capsys):
    Image.fromarray(pixels(200, 200)).save(tmp_path / "a.png")
    coupled = inference.Restorer(lambda pictures: pictures)
    restored(tmp_path / "a.png", tmp_path / "out", model=coupled, max_pixels=160 * 160)
    assert "a.png: the network couples all pixels" in capsys.readouterr().err


OF_CLASSES = {"output": "raw", "classes": ("#000000", "#ff0000")}


@pytest.mark.parametrize(
    ("options", "masks"),
    [({"output": "raw"}, True), ({"spatial_dims": 3}, True), (OF_CLASSES, False)],
)
def test_models_of_other_than_pictures_are_refused(options, masks, monkeypatch):
    monkeypatch.setattr(inference, "load", lambda *_, **__: inference.Restorer(None, **options))
    with pytest.raises(ValueError, match=r"Use keras_ms.inference.restore on arrays"):
        one_picture.load("some", masks=masks)


def test_models_of_classes_write_masks_of_all_pictures_and_of_any_number_of_classes(tmp_path):
    scores = inference.Restorer(lambda x: np.asarray(x)[..., :2], receptive_field=0, **OF_CLASSES)
    for name in ("a.png", "a.bmp", "deep/b.bmp"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(9, 12)).save(tmp_path / "in" / name)
    _, problems = restored(tmp_path / "in", tmp_path / "out", model=scores)
    assert not problems
    assert files(tmp_path / "out") == {"a.png.png", "a.bmp.png", "deep/b.png"}
    red, green, _ = np.moveaxis(pixels(9, 12), -1, 0)
    with Image.open(tmp_path / "out" / "deep" / "b.png") as mask:
        np.testing.assert_array_equal(np.asarray(mask), green > red)
        assert mask.convert("RGB").getpixel((0, 0)) in ((0, 0, 0), (255, 0, 0))
    with pytest.raises(ValueError, match="overwrite the originals"):
        restored(tmp_path / "in" / "a.png", tmp_path / "in", model=scores)
    many = np.eye(300)[[[0, 299]]]
    masks_of.written(many, ["#000000"] * 300, 1, tmp_path / "many.png")
    np.testing.assert_array_equal(stored_indices(tmp_path / "many.png"), [[0, 299]])


def test_the_noise_level_is_checked_before_any_picture():
    with pytest.raises(ValueError, match=r"Received: --noise_level=0.5"):
        one_picture.check(one_picture.How(inference.load("denoising"), noise_level=0.5))


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
