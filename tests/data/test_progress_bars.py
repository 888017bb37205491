"""A bar is shown on a terminal and not in a notebook."""

import pytest
import rich
from rich.console import Console

from keras_ms.data.progress import track


@pytest.mark.parametrize("notebook", [False, True])
def test_a_bar_is_for_terminals(notebook, monkeypatch):
    shown = Console(force_terminal=True, force_jupyter=False, width=60)
    shown.is_jupyter = notebook
    monkeypatch.setattr(rich, "get_console", lambda: shown)
    asked = []
    monkeypatch.setattr(
        rich.progress, "track", lambda *args, **options: asked.append(options) or args[0]
    )
    assert list(track([1, 2], "Reading")) == [1, 2]
    assert asked == [{"transient": True, "disable": notebook}]
    track([1, 2], "Reading", silent=True)
    assert asked[-1]["disable"]
