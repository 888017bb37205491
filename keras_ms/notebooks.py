"""HTML that notebooks show: tables, texts and pictures. Pure Python; everything is escaped."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table under a title.

    Args:
        title: The title.
        columns: Heads of the columns.
        rows: Cells, as many as columns each.

    Example:
        >>> table("Levels", ("level",), [(0,)])
        '<p><b>Levels</b></p><table><tr><th>level</th></tr><tr><td>0</td></tr></table>'
    """
    lines = [_row("th", columns), *(_row("td", cells) for cells in rows)]
    return f"<p><b>{html.escape(title)}</b></p><table>{''.join(lines)}</table>"


def _row(tag: str, cells: Sequence[object]) -> str:
    made = "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells)
    return f"<tr>{made}</tr>"


def text(lines: str) -> str:
    """Lines as they are.

    Example:
        >>> text("a < b")
        '<pre>a &lt; b</pre>'
    """
    return f"<pre>{html.escape(lines)}</pre>"


def picture(png: bytes, what: str) -> str:
    """A picture within the page.

    Args:
        png: A PNG file.
        what: What is seen, for those who do not see it.
    """
    data = base64.b64encode(png).decode()
    return f'<img alt="{html.escape(what)}" src="data:image/png;base64,{data}">'
