"""CONTRIBUTING's examples, pasted into a copy of the code: one new file each, and they work."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLE = re.compile(r"^`([\w/]+\.py)`:\n\n```python\n(.*?)```", flags=re.DOTALL | re.MULTILINE)
EXAMPLES = dict(EXAMPLE.findall((ROOT / "CONTRIBUTING.md").read_text()))
OPTIONS = (
    "--image_size=32 --batch_sizes=1,2 --iterations=2,4 --single_scale_batch=2 --validations=2 "
    "--validation_samples=2 --width=4 --dtype_policy=float32"
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clone")
    for name in ("keras_ms", "apps"):
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=leave)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for path, code in EXAMPLES.items():
        assert not (folder / path).exists(), f"{path} is a file of the project"
        (folder / path).write_text(code)
    return folder


def run(copy, *command):
    return subprocess.run(
        [sys.executable, *command], cwd=copy, capture_output=True, text=True, check=False
    )


def test_there_is_an_example_of_everything_that_is_found_by_name():
    rooms = {str(pathlib.Path(path).parent) for path in EXAMPLES}
    assert rooms == {
        "keras_ms/tasks",
        "keras_ms/networks",
        "keras_ms/data/sources",
        "apps/strategies",
    }


def test_examples_keep_the_house_rules(copy):
    for how in (["check"], ["format", "--check"]):
        got = run(copy, "-m", "ruff", *how, "--config=pyproject.toml", *EXAMPLES)
        assert got.returncode == 0, got.stdout + got.stderr


def test_examples_train_by_their_names(copy, tmp_path):
    names = "--task=colourisation --network=plain_cnn --dataset=textures --strategy=equal_stages"
    command = [*names.split(), "--compare=alternating", *OPTIONS.split(), f"--output={tmp_path}"]
    got = run(copy, "-m", "apps.train", *command)
    assert got.returncode == 0, got.stdout[-1000:] + got.stderr[-3000:]
    assert "equal stages" in got.stdout
    assert (tmp_path / "model" / "saved_model.pb").exists()


COARSE_PROBLEM = """
import keras_ms
task = keras_ms.tasks.get("strided_denoising", t_range=(1.0, 1.0))
images = keras_ms.data.sources.get("textures").load("train", None, 2)
dataset = keras_ms.MultiscaleDataset(images, task, (1, 2), image_size=32, flip=False)
batch = next(iter(dataset.stage()))
fine, coarse = batch.fine[0][1].numpy(), batch.coarse[0][1].numpy()
print(coarse.shape, (coarse == fine[:, ::2, ::2]).all())
"""


def test_the_coarse_problem_is_that_of_the_example(copy):
    got = run(copy, "-c", COARSE_PROBLEM)
    assert got.stdout.strip() == "(1, 16, 16, 3) True", got.stderr[-3000:]


def test_examples_pass_the_suites_over_the_registries(copy):
    shutil.copytree(ROOT / "tests", copy / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    suites = ("tests/tasks/test_every_task.py", "tests/networks/test_every_network.py")
    names = "colourisation or strided_denoising or plain_cnn"
    # Compiling takes long, and another test trains the examples.
    chosen = ("-k", f"({names}) and not trains and not saving and not jit")
    got = run(copy, "-m", "pytest", *suites, *chosen)
    assert got.returncode == 0, got.stdout[-3000:]
    (passed,) = re.findall(r"(\d+) passed", got.stdout)
    assert int(passed) > 20


def test_examples_are_in_the_help(copy):
    shown = run(copy, "-m", "apps.train", "--help").stdout
    for path, code in EXAMPLES.items():
        (name,) = re.findall(r'^NAMES = \{"(\w+)"', code, flags=re.MULTILINE)
        assert name in shown, path
