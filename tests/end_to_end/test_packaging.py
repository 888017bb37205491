"""What an installed keras_ms is: quick to import, whole in its wheel, beside KerasCV."""

import shutil
import subprocess
import sys
import zipfile

import pytest

import keras_ms


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_import_leaves_heavy_libraries_alone():
    heavy = "('skimage', 'scipy', 'keras_cv', 'tensorflow_datasets', 'rich', 'absl')"
    code = (
        "import sys, keras; before = set(sys.modules); import keras_ms; "
        f"print([m for m in {heavy} if m in set(sys.modules) - before])"
    )
    assert run(code).stdout.strip() == "[]"


def test_keras_cv_imports_beside_keras_3():
    code = "import keras_cv, keras, keras_ms; assert keras.version().startswith('3.')"
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert got.returncode == 0, got.stderr[-2000:]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory, request):
    root, copy = request.config.rootpath, tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, copy)
    shutil.copytree(root / "keras_ms", copy / "keras_ms")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", str(copy)]
    got = subprocess.run(command, capture_output=True, text=True)
    assert got.returncode == 0, got.stdout + got.stderr
    return next((copy / "dist").glob("*.whl"))


def test_wheel_holds_the_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {
        "keras_ms",
        f"keras_ms-{keras_ms.__version__}.dist-info",
    }
    for module in (
        "training/model.py",
        "levels.py",
        "data/pyramid.py",
        "tasks/denoising.py",
        "py.typed",
    ):
        assert f"keras_ms/{module}" in names


def test_wheel_imports_from_where_it_is_installed(wheel, tmp_path):
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    subprocess.run([*command, str(tmp_path), str(wheel)], capture_output=True, check=True)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import keras_ms; "
        "print(keras_ms.__file__, keras_ms.Levels().work_units())"
    )
    got = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert got.stdout.strip() == f"{tmp_path}/keras_ms/__init__.py 37.0"
