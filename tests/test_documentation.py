"""Every example of the documentation runs: docstrings, README and method cards."""

import ast
import doctest
import importlib
import itertools
import pathlib
import pkgutil
import re
import tomllib

import keras
import numpy as np
import pytest
from conftest import small_images
from PIL import Image

import keras_ms

ROOT = pathlib.Path(__file__).parent.parent
MODULES = ["keras_ms"] + [
    module.name for module in pkgutil.walk_packages(keras_ms.__path__, "keras_ms.")
]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    module = importlib.import_module(name)
    names = {**vars(module), "keras": keras, "keras_ms": keras_ms}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for test in doctest.DocTestFinder().find(module, globs=names):
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0


def python_blocks(path):
    return re.findall(r"```python\n(.*?)```", (ROOT / path).read_text(), flags=re.DOTALL)


def smaller(code, *changes):
    """The same program on small images and for a few steps."""
    for large, small in changes:
        assert large in code
        code = code.replace(large, small)
    return code


def test_readme_is_short_and_its_program_ends_in_a_picture():
    readme = (ROOT / "README.md").read_text()
    assert len(readme.splitlines()) < 150
    program, _ = python_blocks("README.md")
    lines = [line for line in program.splitlines() if line.strip()]
    assert len([line for line in lines if not line.startswith(("import", "from"))]) <= 10
    assert lines[-1].endswith('.save("restored.png")')
    before, _, _ = readme.partition("\n## Install")
    assert len(before.splitlines()) < 45  # no notes of the laboratory before the installation


def test_quick_start_runs_as_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    program, _ = python_blocks("docs/quick_start.md")
    program = smaller(
        program,
        ("(500, 1000)", "(1, 1)"),
        ("steps_per_epoch=50", "steps_per_epoch=1"),
        ("levels=(4, 16), image_size=64", "levels=(2, 2), image_size=32"),
        ("task, 64, samples=32", "task, 32, samples=2"),
        ("HalfResNet()", "HalfResNet(width=4, depth=1)"),
    )
    names = {}
    exec(compile(program, "<quick_start.md>", "exec"), names)
    history = names["model"].history
    assert history.history["resolution"] == [16, 32]
    assert np.isfinite(history.history["val_loss"]).all()
    assert np.isfinite(history.history["loss"]).all()
    photo = keras_ms.data.photos("validation")[0]
    restored = keras_ms.inference.restore(names["model"], photo)
    assert restored.shape == photo.shape
    assert restored.dtype == photo.dtype
    assert restored.std() > 0.0
    again = keras_ms.inference.restore(keras_ms.inference.load("denoiser"), photo)
    np.testing.assert_allclose(again, restored, atol=1)
    keras.saving.load_model("denoiser.keras")


def shapes(folder, count=10, side=64):
    """Photographs of a square and a disc on a dark ground, and their masks, as people have them."""
    rng = np.random.default_rng(0)
    for kind in ("photos", "masks"):
        (folder / kind).mkdir()
    rows, columns = np.mgrid[:side, :side]
    for number in range(count):
        mask = np.zeros((side, side), np.uint8)
        top, left = rng.integers(4, side - 24, 2)
        mask[top : top + 20, left : left + 20] = 1
        middle = rng.integers(14, side - 14, 2)
        mask[(rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 < 120] = 2
        colours = np.array([(30, 30, 30), (220, 60, 60), (60, 60, 220)])
        photo = np.clip(colours[mask] + rng.normal(0, 8, (side, side, 3)), 0, 255)
        Image.fromarray(photo.astype(np.uint8)).save(folder / "photos" / f"{number}.jpg")
        Image.fromarray(mask).save(folder / "masks" / f"{number}.png")


def test_a_segmentation_network_is_made_of_two_folders(tmp_path, monkeypatch):
    shapes(tmp_path)
    monkeypatch.chdir(tmp_path)
    _, program = python_blocks("README.md")
    assert len([line for line in program.splitlines() if line.strip()]) <= 15
    program = smaller(
        program,
        ("(50, 100, 200)", "(1, 10, 10)"),
        ("steps_per_epoch=25", "steps_per_epoch=1"),
        ("image_size=128", "image_size=32"),
        ("UNet(outputs", "UNet(width=4, multipliers=(1, 2), outputs"),
        ("Adam(1e-3)", "Adam(2e-2)"),
    )
    names = {}
    exec(compile(program, "<README.md>", "exec"), names)
    accuracy = names["model"].history.history["val_accuracy"]
    assert accuracy[-1] > 0.9
    photo, mask = next(iter(names["held_out"]))
    again = keras.saving.load_model("segmenter.keras")
    logits = again.predict(photo[np.newaxis], verbose=0)
    exported = keras_ms.inference.load("segmenter")(np.float32(photo[np.newaxis]))
    np.testing.assert_allclose(exported, logits, atol=1e-4)
    assert np.mean(np.argmax(logits[0], -1) == mask) > 0.9


def test_card_of_own_data_says_what_works(tmp_path, monkeypatch):
    shapes(tmp_path)
    monkeypatch.chdir(tmp_path)
    folders, roles, augmentation = python_blocks("docs/guide/own_data.md")
    names = {}
    for code in (folders, roles, augmentation):
        exec(compile(code.replace("128", "32"), "<own_data.md>", "exec"), names)
    assert names["train"].describe().roles == {"x": "image", "y": "class_map"}
    assert pathlib.Path("levels.png").exists()


def test_card_of_ones_own_task_makes_a_dataset():
    program, noisy = python_blocks("docs/guide/own_task.md")
    names = {}
    exec(compile(program, "<own_task.md>", "exec"), names)
    dataset = keras_ms.MultiscaleDataset(
        small_images(), names["Dehazing"](), (2, 4), 32, steps_per_epoch=1
    )
    batch = next(iter(dataset.stage()))
    hazy, clean = (side.numpy() for side in batch.fine[0])
    for image, target in zip(hazy, clean, strict=True):
        slope, offset = np.polyfit(target.ravel(), image.ravel(), 1)
        assert 0.2 <= slope <= 1.0
        assert abs(slope + offset - 1.0) < 1e-4
    exec(compile(noisy, "<own_task.md>", "exec"), names)
    task = names["Dimming"](t_range=(0.0, 0.0))
    batch = next(iter(keras_ms.MultiscaleDataset(small_images(), task, (2, 4), 32).stage()))
    for side in (batch.fine[0], batch.coarse[0]):
        factors = np.sum(side[0] * side[1], (1, 2, 3)) / np.sum(side[1] ** 2, (1, 2, 3))
        np.testing.assert_allclose(side[0], factors[:, None, None, None] * side[1], atol=1e-5)
        assert len(np.unique(factors)) == 2


def test_card_of_networks_counts_parameters():
    table = (ROOT / "docs/guide/networks.md").read_text()
    counts = dict(re.findall(r"^\| `(\w+)` \|.*?\| ([\d,]+) \|", table, flags=re.MULTILINE))
    assert len(counts) >= 6
    assert counts == {name: f"{keras_ms.networks.get(name).count_params():,}" for name in counts}


PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "saved_models/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


def text_without_code(path):
    return re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)


def anchors(path):
    """What a link may name after `#`, as GitHub makes it of a heading."""
    titles = re.findall(r"^#+ (.+)$", text_without_code(path), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(path):
    """Each relative link of a page, as the file it leads to and what follows `#`."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text_without_code(path)):
        if "://" not in target:
            name, _, anchor = target.partition("#")
            yield (path.parent / name).resolve() if name else path, anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_documentation_lead_somewhere(page):
    for target, anchor in links(page):
        assert target.exists(), f"{page.name} -> {target}"
        assert not anchor or anchor in anchors(target), f"{page.name} -> {target}#{anchor}"


def test_every_page_is_in_the_index():
    index = ROOT / "docs" / "README.md"
    linked = {target for target, _ in links(index)}
    assert linked >= set((ROOT / "docs").rglob("*.md")) - {index}


def test_the_floors_are_those_that_the_import_linter_holds():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (floors,) = (c for c in contracts["contracts"] if c["id"] == "floors")
    page = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| \d+ \| (`.*`) \|$", page, flags=re.MULTILINE)
    shown = [set(re.findall(r"`(\w+)`", row)) for row in rows]
    assert shown == [set(re.findall(r"\w+", layer)) for layer in floors["layers"]]


def messages():
    """Every text of the package, as Python joins its parts; what is filled in is left out."""
    for path in (ROOT / "keras_ms").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                yield "".join(p.value if isinstance(p, ast.Constant) else "" for p in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_errors_of_the_faq_are_those_of_the_library():
    page = (ROOT / "docs" / "faq.md").read_text().partition("## No error")[0]
    quoted = re.findall(r"^\| `(.+?)` \|", page, flags=re.MULTILINE)
    assert len(quoted) > 30
    said = list(messages())
    assert [text for text in quoted if not any(text in message for message in said)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_lists_read_alike_on_the_site_and_on_a_host_of_repositories(page):
    """The site takes what is under an entry for its own only if it stands four blanks in."""
    lines = text_without_code(page).splitlines()
    for before, line in itertools.pairwise(lines):
        assert before or not re.match(r" {1,3}\S", line), line
        if re.match(r"(- |\d+\. )", line):
            assert re.match(r"$|(- |\d+\. )| ", before), f"no empty line before {line!r}"


def test_extras_that_are_named_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pages = [*PAGES, *(ROOT / "apps").rglob("*.py"), *(ROOT / "keras_ms").rglob("*.py")]
    named = {
        name
        for page in pages
        for listed in re.findall(r'(?:keras-ms|"\.)\[([\w,]+)\]', page.read_text())
        for name in listed.split(",")
    }
    assert {"gpu", "export"} <= named <= set(project["optional-dependencies"])
