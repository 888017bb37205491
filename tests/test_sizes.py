"""Files and functions stay short enough to be read at once."""

import ast
import pathlib

ROOT = pathlib.Path(__file__).parent.parent
FILES = [
    path
    for folder in ("keras_ms", "apps", "tests", "docs")
    for path in (ROOT / folder).rglob("*.py")
]
REASON = "# Over 60 lines"


def test_no_file_has_more_than_300_lines():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in FILES}
    assert len(lengths) > 500
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def functions(tree):
    """Those of a module and of its classes; what is within them is no longer than they are."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from functions(node)
        elif isinstance(node, ast.FunctionDef):
            yield node


def test_functions_of_more_than_60_lines_say_why():
    found = []
    for path in FILES:
        text = path.read_text()
        for function in functions(ast.parse(text)):
            long = function.end_lineno - function.lineno >= 60
            if long and REASON not in ast.get_source_segment(text, function):
                found.append(f"{path.relative_to(ROOT)}: {function.name}")
    assert found == []
