"""What an installed keras_ms is: quick to import, whole in its wheel, at work without the clone."""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile

import numpy as np
import pytest
from PIL import Image

import keras_ms

HEAVY = ("PIL", "skimage", "scipy", "keras_cv", "tensorflow_datasets", "matplotlib", "rich", "absl")
MODELS = ("deblurring", "denoising", "inpainting", "super_resolution")
COMMANDS = (
    *("train", "restore", "diagnose", "reproduce", "time-to-quality", "segmentation", "benchmark"),
)


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_import_leaves_heavy_libraries_alone():
    code = (
        "import sys, keras, tensorflow; before = set(sys.modules); import keras_ms; "
        f"print([m for m in {HEAVY} if m in set(sys.modules) - before])"
    )
    assert run(code).stdout.strip() == "[]"


def test_keras_cv_imports_beside_keras_3():
    code = "import keras_cv, keras, keras_ms; assert keras.version().startswith('3.')"
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert got.returncode == 0, got.stderr[-2000:]


@pytest.fixture(scope="module")
def root(request):
    return request.config.rootpath


@pytest.fixture(scope="module")
def wheel(tmp_path_factory, root):
    copy = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, copy)
    for name in ("keras_ms", "apps", "saved_models"):
        ignored = shutil.ignore_patterns("__pycache__", "trained")
        shutil.copytree(root / name, copy / name, ignore=ignored)
    (copy / "saved_models" / "trained").mkdir()
    (copy / "saved_models" / "trained" / "of_the_user.txt").touch()
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", str(copy)]
    got = subprocess.run(command, capture_output=True, text=True)
    assert got.returncode == 0, got.stdout + got.stderr
    return next((copy / "dist").glob("*.whl"))


def files(folder, pattern):
    found = (path.relative_to(folder) for path in folder.rglob(pattern) if path.is_file())
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}


def test_wheel_holds_the_product_and_nothing_else(wheel, root):
    info = f"keras_ms-{keras_ms.__version__}.dist-info"
    held = {name for name in zipfile.ZipFile(wheel).namelist() if not name.startswith(f"{info}/")}
    wanted = {f"keras_ms/{name}" for name in files(root / "keras_ms", "*.py")}
    wanted |= {f"keras_ms_apps/{name}" for name in files(root / "apps", "*.py")}
    models = root / "saved_models"
    wanted |= {f"keras_ms/saved_models/{m}/{f}" for m in MODELS for f in files(models / m, "*")}
    assert held == {*wanted, "keras_ms/py.typed", "keras_ms/saved_models/README.md"}
    assert wheel.stat().st_size <= 12_000_000


def test_wheel_and_sdist_are_fit_to_be_published(wheel):
    copy = wheel.parents[1]
    command = [sys.executable, "-m", "build", "--sdist", "--no-isolation", str(copy)]
    got = subprocess.run(command, capture_output=True, text=True)
    assert got.returncode == 0, got.stdout + got.stderr
    made = sorted(str(path) for path in wheel.parent.iterdir())
    assert [path.rpartition(".")[2] for path in made] == ["whl", "gz"]
    check = [sys.executable, "-m", "twine", "check", "--strict", *made]
    got = subprocess.run(check, capture_output=True, text=True)
    assert got.returncode == 0, got.stdout + got.stderr


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Folder of the programs of a new environment: the wheel, and the libraries of this one."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, symlinks=True)
    python = place / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    options = ["--no-deps", "--no-index", str(wheel)]
    got = subprocess.run([*command, *options], capture_output=True, text=True)
    assert got.returncode == 0, got.stderr
    (site,) = (place / "lib").glob("python*/site-packages")
    # Files that make a clone importable (.pth) count only in the environment's own folder.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return place / "bin"


def outside(tmp_path, *command):
    """Runs a command far from the clone."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )


def test_the_library_is_imported_from_where_it_is_installed(installed, tmp_path):
    code = (
        "import importlib.util, keras_ms; print(importlib.util.find_spec('apps')); "
        "print(keras_ms.__file__); print(*keras_ms.inference.names())"
    )
    got = outside(tmp_path, installed / "python", "-c", code)
    assert got.returncode == 0, got.stderr
    clone, place, names = got.stdout.splitlines()
    assert clone == "None"
    assert pathlib.Path(place).is_relative_to(installed.parent)
    assert tuple(names.split()) == MODELS


def test_keras_ms_lists_its_commands(installed, tmp_path):
    for arguments in (["--help"], ["help"], []):
        got = outside(tmp_path, installed / "keras-ms", *arguments)
        assert got.returncode == 0, got.stderr
        assert [name for name in COMMANDS if f"\n  {name} " in got.stdout] == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_answers_help_without_tensorflow(command, installed, tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('TensorFlow was loaded')\n")
    code = (
        "import sys; sys.path.insert(0, '.'); from keras_ms_apps.__main__ import main; "
        f"sys.argv = ['keras-ms', {command!r}, '--help']; main()"
    )
    got = outside(tmp_path, installed / "python", "-P", "-c", code)
    assert got.returncode == 0, got.stderr
    assert "--output=" in got.stdout
    assert f"\n    keras-ms {command}" in got.stdout  # not as a clone is run


def test_an_unknown_command_ends_in_one_line(installed, tmp_path):
    got = outside(tmp_path, installed / "keras-ms", "paint", "--input=a.png")
    assert got.returncode == 2
    (line,) = got.stderr.splitlines()
    assert line.startswith("keras-ms: there is no such command. Received: paint. Use train, ")


def test_keras_ms_restores_a_picture_by_a_models_name(installed, tmp_path):
    noisy = np.random.default_rng(0).normal(128.0, 30.0, (40, 60, 3)).clip(0.0, 255.0)
    Image.fromarray(noisy.astype("uint8")).save(tmp_path / "noisy.png")
    options = ("--model=denoising", "--input=noisy.png", "--output=restored")
    got = outside(tmp_path, installed / "keras-ms", "restore", *options)
    assert got.returncode == 0, got.stderr[-2000:]
    restored = np.asarray(Image.open(tmp_path / "restored" / "noisy.png"), float)
    assert restored.shape == noisy.shape
    assert restored.std() < 0.6 * noisy.std()


def test_a_clone_has_the_same_command(root):
    got = subprocess.run(
        [sys.executable, "-m", "apps", "--help"], capture_output=True, text=True, cwd=root
    )
    assert got.returncode == 0, got.stderr
    assert "python -m apps COMMAND --help" in got.stdout
