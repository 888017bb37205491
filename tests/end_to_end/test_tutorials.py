"""Notebooks run from top to bottom at a small size, and what they show are pictures."""

import pathlib

import pytest

nbclient = pytest.importorskip("nbclient")  # not there where the lowest versions are tested
nbformat = pytest.importorskip("nbformat")

FOLDER = pathlib.Path(__file__).parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
FEW_STEPS = "STEPS = 2"


def read(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def pictures(notebook):
    """The outputs that are pictures, and the others."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    seen = [output for output in outputs if is_picture(output.get("data", {}))]
    return seen, [output for output in outputs if output not in seen]


def is_picture(data):
    """Whether what a cell shows is one, or has one in it."""
    kinds = [kind for kind in data if kind.startswith("image/")]
    return bool(kinds) or "<img" in data.get("text/html", "")


def test_there_are_the_notebooks_of_the_page():
    page = (FOLDER.parent / "notebooks.md").read_text()
    assert len(NOTEBOOKS) >= 3
    assert all(f"(notebooks/{path.name})" in page for path in NOTEBOOKS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_stored_are_pictures(path):
    seen, others = pictures(read(path))
    assert len(seen) >= 2
    assert not [output for output in others if output.output_type == "error"]
    assert not [output for output in others if output.get("name") == "stderr"]
    assert path.stat().st_size < 1_500_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parents[1]))  # wherever the kernel runs
    notebook = read(path)
    (told,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    assert told.source.startswith("STEPS = ")
    told.source = FEW_STEPS
    wanted, _ = pictures(notebook)
    place = {"metadata": {"path": tmp_path}}
    nbclient.NotebookClient(notebook, timeout=300, resources=place).execute()
    seen, _ = pictures(notebook)
    assert len(seen) == len(wanted)
