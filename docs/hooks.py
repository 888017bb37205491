"""What MkDocs is told beyond mkdocs.yml: the index is the navigation, and links may leave docs/.

Pages link to each other, to README and CONTRIBUTING, and to files of the project by relative paths,
as a host of repositories shows them. The site has no such files, so here each one that is linked to
becomes a page of it, and the link leads there.
"""

from __future__ import annotations

import pathlib
import posixpath
import re
from collections.abc import Callable
from typing import Any

from mkdocs.structure.files import File, Files, InclusionLevel

DOCS = pathlib.Path(__file__).parent
ROOT = DOCS.parent
INDEX = DOCS / "README.md"
PLACE = "project"  # where the site has what lies beside docs/

_FENCED = re.compile(r"(^```.*?^```$)", flags=re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<=\]\()(?P<path>[^()\s#:]+)(?=[)#])")


def on_config(config: Any) -> Any:
    """Makes the navigation from the index: a section a heading, a page an entry."""
    config.nav = navigation(INDEX.read_text())
    return config


def navigation(index: str) -> list[Any]:
    """The headings of an index, each with the pages that its list links to."""
    nav: list[Any] = [{"Home": "README.md"}]
    for section in re.split(r"^## ", index, flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        entries = re.findall(r"^- \[([^\]]+)\]\(([^)#\s]+)\)", body, flags=re.MULTILINE)
        nav.append({title: [{name: _on_site(_repository(INDEX, link))} for name, link in entries]})
    return nav


def on_files(files: Files, config: Any) -> Files:
    """Adds what pages link to outside of docs/, and what that links to."""
    waiting = sorted(DOCS.rglob("*.md"))
    added: set[pathlib.Path] = set()
    while waiting:
        page = waiting.pop()
        for link in _links(page):
            target = _repository(page, link)
            if target.is_file() and not target.is_relative_to(DOCS) and target not in added:
                added.add(target)
                files.append(_page(target, config))
                waiting += [target] if target.suffix == ".md" else []
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turns links into those of the site."""
    source = _source(page.file.src_uri)
    here = posixpath.dirname(page.file.src_uri)

    def led(match: re.Match[str]) -> str:
        target = _repository(source, match["path"])
        return posixpath.relpath(_on_site(target), here or ".") if target.is_file() else match[0]

    if not source.is_file():  # a page that was made of code
        return markdown
    return _outside_code(markdown, lambda text: _LINK.sub(led, text))


def _page(path: pathlib.Path, config: Any) -> File:
    """A page of the site: of Markdown as it is, of anything else as code."""
    text = path.read_text()
    if path.suffix != ".md":
        kind = {".py": "python", ".toml": "toml"}.get(path.suffix, "text")
        text = f"# `{path.relative_to(ROOT).as_posix()}`\n\n````{kind}\n{text}\n````\n"
    unlisted = InclusionLevel.NOT_IN_NAV  # of those that the index does not list
    return File.generated(config, _on_site(path), content=text, inclusion=unlisted)


def _links(page: pathlib.Path) -> list[str]:
    found: list[str] = []
    _outside_code(page.read_text(), lambda text: found.extend(_LINK.findall(text)) or "")
    return found


def _outside_code(markdown: str, change: Callable[[str], str]) -> str:
    parts = _FENCED.split(markdown)
    return "".join(part if part.startswith("```") else change(part) for part in parts)


def _repository(page: pathlib.Path, link: str) -> pathlib.Path:
    return (page.parent / link).resolve()


def _on_site(path: pathlib.Path) -> str:
    """Where the site has a file of the repository, as MkDocs calls its source."""
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS).as_posix()
    name = path.relative_to(ROOT).as_posix()
    return f"{PLACE}/{name}" if path.suffix == ".md" else f"{PLACE}/{name}.md"


def _source(uri: str) -> pathlib.Path:
    """The file of the repository that a page of the site was made of."""
    if uri.startswith(f"{PLACE}/"):
        return ROOT / uri.removeprefix(f"{PLACE}/")
    return DOCS / uri
