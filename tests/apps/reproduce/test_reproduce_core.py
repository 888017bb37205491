"""Targets are found by name, cells are on file, and reports say where they come from."""

import csv
import json
import subprocess
import sys
import textwrap
import types

import pytest

import apps.reproduce
from apps.reproduce import images, listing, registry, report, runner
from apps.reproduce.settings import ReproduceSettings
from apps.reproduce.target import Asked, Cell, Costs, Given, Table, Target

CALLS = []


def squared(key, given):
    print("a line for the log")
    CALLS.append(key["number"])
    return {"square": key["number"] ** 2, "digits": [1, 2], "curve": [{"x": 1}]}


def doubled(key, given):
    (row,) = given.rows.values()
    given.beside(".txt").write_text("beside")
    return {"double": 2 * row["square"]}


class Squares(Target):
    title = "Squares"
    makes = "squares"
    costs = Costs("no time", "no time")
    number = 3

    def cells(self, asked):
        first = Cell(
            "squares/one", squared, {"number": self.number, "sizes": (1, 2), "nothing": None}
        )
        return [first, Cell("squares/two", doubled, {"of": {"what": "one"}}, after=(first.name,))]

    def tables(self, asked, rows):
        cells = [("three", "9", str(rows["squares/one"]["square"]))]
        return [Table("All", ("", "paper", "here"), cells, ("a note",))]

    def plot(self, asked, rows, path):
        path.write_bytes(b"plot")


@pytest.fixture
def squares(monkeypatch):
    CALLS.clear()
    target = Squares("work_units")  # a name that there is
    monkeypatch.setattr(registry, "get", lambda name: target)
    return target


def run(output, **options):
    return runner.run(ReproduceSettings(target=("work_units",), output=str(output), **options))


def test_cells_are_computed_once_and_read_afterwards(squares, tmp_path, capsys):
    text = run(tmp_path)
    assert CALLS == [3]
    assert "2 of 2 runs" in capsys.readouterr().out
    assert run(tmp_path) == text
    assert CALLS == [3]
    cells = tmp_path / "cells" / "squares"
    assert json.loads((cells / "two.json").read_text())["double"] == 18
    assert (cells / "two.txt").read_text() == "beside"
    assert (cells / "one.log").read_text() == "a line for the log\n"
    (cells / "two.json").unlink()
    run(tmp_path)
    assert CALLS == [3]  # the other one was still there


def test_what_a_target_leaves(squares, tmp_path):
    text = run(tmp_path, seeds=(0, 2))
    assert (tmp_path / "work_units.md").read_text() == text
    assert "| three | 9 | 9 |" in text
    assert "\n- a note" in text
    command = "python -m apps.reproduce --target=work_units --seeds=0,2"
    assert f"`{command} --output={tmp_path}`" in text
    for part in ("Python 3", "tensorflow 2", "cores", "Pictures: none", "seeds 0, 2"):
        assert part in text
    assert (tmp_path / "work_units.png").read_bytes() == b"plot"
    with (tmp_path / "work_units.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["cell"], first["number"], first["square"]) == ("squares/one", "3", "9")
    assert (first["digits"], first["sizes"], second["of.what"]) == ("1 2", "1 2", "one")
    assert "curve" not in first
    assert "nothing" not in first


def test_cells_of_other_settings_are_refused_by_name(squares, tmp_path):
    run(tmp_path)
    squares.number = 4
    with pytest.raises(ValueError, match=r"one\.json, where number \(was 3, is 4\)"):
        run(tmp_path)
    assert CALLS == [3]


def test_a_cell_that_failed_is_computed_again(squares, tmp_path, monkeypatch):
    def fail(key, given):
        raise OSError("disk")

    cells = squares.cells(None)
    monkeypatch.setattr(squares, "cells", lambda asked: [cells[0], cells[1]._replace(make=fail)])
    with pytest.raises(OSError, match="disk"):
        run(tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(registry, "get", lambda name: squares)
    run(tmp_path)
    assert CALLS == [3]


def test_every_target_is_whole_and_listed():
    text = listing.of_targets()
    for name in registry.names():
        target = registry.get(name)
        assert (target.name, bool(target.title)) == (name, True)
        assert f"{name}\n    {target.title}" in text
        for scale in ("quick", "paper"):
            assert getattr(target.costs, scale)
    assert max(map(len, text.splitlines())) <= listing.WIDTH
    with pytest.raises(ValueError, match=r"Received: --target=table9\. Use one of .*work_units"):
        registry.get("table9")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": ()}, "no --target"),
        ({"target": ("table9",)}, "table9"),
        ({"target": ("all",), "scale": "huge"}, "huge"),
        ({"target": ("all",), "seeds": ()}, "--seeds"),
        ({"target": ("all",), "seeds": (1, 1)}, "--seeds=1,1"),
    ],
)
def test_senseless_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ReproduceSettings(**options)


def asked(dataset, data_dir=None):
    return Asked("paper", dataset, None if data_dir is None else str(data_dir), (0,))


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("stl10", ["stl10_binary.tar.gz"]),
        ("celeb_a", ["img_align_celeba.zip", "identity_CelebA.txt"]),
        ("urban100", ["img_001_SRF_2_HR.png"]),
    ],
)
def test_missing_data_sets_are_told_with_their_files_and_places(tmp_path, name, files):
    manual = tmp_path / "downloads" / "manual"
    with pytest.raises(ValueError, match=f"The data set {name} is not there") as error:
        images.check(asked(name, tmp_path))
    for part in (*files, str(manual), str(tmp_path / name)):
        assert part in str(error.value)
    (manual / "deeper").mkdir(parents=True)
    for file in images.FILES[name]:
        (manual / "deeper" / file).touch()
    with pytest.raises(ValueError, match="straight into"):  # TFDS would not find them
        images.check(asked(name, tmp_path))
    for file in images.FILES[name]:
        (manual / file).symlink_to(manual / "deeper" / file)
    images.check(asked(name, tmp_path))


def test_a_prepared_copy_is_found(tmp_path):
    copy = tmp_path / "stl10" / "1.0.0"
    copy.mkdir(parents=True)
    (copy / "dataset_info.json").touch()
    images.check(asked("stl10", tmp_path))
    for wrong in (asked("photos", tmp_path), asked("folder", tmp_path / "none"), asked("folder")):
        with pytest.raises(ValueError, match="--data_dir"):
            images.check(wrong)


def test_missing_data_end_a_run_before_tensorflow_is_loaded(tmp_path):
    code = (
        "import sys; from apps.reproduce.__main__ import main\n"
        f"sys.argv = ['app', '--target=all', '--scale=paper', '--data_dir={tmp_path}']\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    print(end)\n"
        "print('heavy:', sorted({'tensorflow', 'keras', 'keras_ms'} & set(sys.modules)))"
    )
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "is not there" in got.stdout, got.stderr
    assert "With a network, keras_ms.data.stl10 downloads it in Python." in got.stdout
    assert got.stdout.endswith("heavy: []\n")


def test_pictures_are_by_default_the_papers_at_its_scale():
    target = registry.get("table3")
    at = {scale: ReproduceSettings(("table3",), scale=scale) for scale in ("quick", "paper")}
    assert [at[s].asked_of(target).dataset for s in at] == ["photos", "celeb_a"]
    folder = ReproduceSettings(("table3",), dataset="folder", data_dir="here", scale="paper")
    assert folder.asked_of(target)[1:3] == ("folder", "here")
    assert folder.asked_of(registry.get("work_units")).dataset is None


def test_what_is_flat_of_a_cell():
    cell = Cell("a", squared, {"x": None, "y": {"z": (1, 2)}})
    assert report.flat(cell, {"settings": {"x": None}, "b": 2}) == {
        "cell": "a",
        "x": None,
        "y.z": "1 2",
        "b": 2,
    }


def test_given_names_files_beside_the_cell(tmp_path):
    given = Given({}, tmp_path / "run-0.1.json")
    assert given.beside(".npz") == tmp_path / "run-0.1.npz"


def test_the_example_of_the_docstring_is_a_target(tmp_path, monkeypatch):
    text = apps.reproduce.__doc__
    code = textwrap.dedent(text[text.index('    """Example') : text.index("Every cell is on file")])
    module = types.ModuleType("brightness")
    module.__package__ = "apps.reproduce.targets"
    exec(code, vars(module))
    target = getattr(module, module.NAMES["brightness"])("work_units")
    monkeypatch.setattr(registry, "get", lambda name: target)
    text = run(tmp_path, scale="tiny")
    assert "| mean | .45 | " in text
