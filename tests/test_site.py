"""The site builds without a warning, and holds every page, every public name and every link."""

import importlib.util
import pathlib
import re
import subprocess
import sys

import pytest
from public_names import PUBLIC

ROOT = pathlib.Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    place = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(place)]
    got = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert got.returncode == 0, got.stdout[-2000:] + got.stderr[-4000:]
    return place


def test_every_page_is_on_the_site(site):
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix("")
        folder = name.parent if name.name == "README" else name
        assert (site / folder / "index.html").is_file(), name


def test_every_public_name_is_in_the_reference(site):
    html = "".join(page.read_text() for page in (site / "reference").rglob("*.html"))
    there = set(re.findall(r'id="(keras_ms[\w.]*)"', html))
    assert set(PUBLIC) <= there


def test_pages_beside_docs_are_on_the_site_and_linked(site):
    home = (site / "index.html").read_text()
    for place in ("project/", "project/CONTRIBUTING/", "project/CHANGELOG/"):
        assert (site / place / "index.html").is_file()
        assert f'href="{place}"' in home
    assert (site / "project" / "LICENSE" / "index.html").is_file()
    assert 'href="LICENSE/"' in (site / "project" / "index.html").read_text()


def test_the_site_loads_nothing_from_elsewhere(site):
    home = (site / "index.html").read_text()
    assert not re.findall(r'(?:src|<link[^>]*stylesheet[^>]*href)="https?:', home)


def hooks():
    pytest.importorskip("mkdocs")
    spec = importlib.util.spec_from_file_location("site_hooks", ROOT / "docs" / "hooks.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_index_is_the_navigation():
    one, two = "## One\n\nWords.\n\n- [A](a.md): first.\n", "## Two\n\n- [B](../README.md)\n"
    index = f"# Title\n\n- [not](this.md)\n\n{one}\n{two}"
    assert hooks().navigation(index) == [
        {"Home": "README.md"},
        {"One": [{"A": "a.md"}]},
        {"Two": [{"B": "project/README.md"}]},
    ]


def test_links_in_code_are_left_alone():
    class Page:
        class file:  # noqa: N801
            src_uri = "guide/tasks.md"

    text = "[a](../../README.md#x)\n\n```\n[a](../../README.md)\n```\n"
    got = hooks().on_page_markdown(text, Page)
    assert got == "[a](../project/README.md#x)\n\n```\n[a](../../README.md)\n```\n"
