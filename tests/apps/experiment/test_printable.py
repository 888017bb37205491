import pytest

from apps.experiment.printable import printable, units_text

HARMFUL = {
    "clears": ("a\x1b[2J.png", r"a\x1b[2J.png"),
    "line": ("a\nb.png", r"a\nb.png"),
    "return": ("a\rb.png", r"a\rb.png"),
    "bell": ("a\x07b", r"a\x07b"),
    "8 bits": ("a\x9b2Jb", r"a\x9b2Jb"),
    "backwards": ("a\u202egnp.exe", r"a\u202egnp.exe"),
    "no encoding": ("a\udcff.png", r"a\udcff.png"),
    "separator": ("a\u2028b", r"a\u2028b"),
    "nothing": ("a\0b", r"a\x00b"),
}


@pytest.mark.parametrize("case", HARMFUL)
def test_what_terminals_obey_becomes_an_escape(case):
    text, wanted = HARMFUL[case]
    assert printable(text) == wanted
    printable(text).encode()


@pytest.mark.parametrize(
    "name", ["a b.png", "[red]a[/red].png", "日本 é ё 🙂.png", r"a\b", "$x^2$"]
)
def test_other_names_stay(name):
    assert printable(name) == name


def test_line_breaks_stay_if_they_shall():
    assert printable("a\nb\x1b", kept="\n") == "a\nb\\x1b"


def test_few_work_units_have_a_decimal():
    assert [units_text(units) for units in (0.0, 0.25, 12.3, 1234.0)] == ["0", "0.2", "12", "1,234"]
