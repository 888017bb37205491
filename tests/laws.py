"""Laws: what holds whatever the input, tried on some that hypothesis draws, each time the same."""

from hypothesis import given, settings


def law(examples, **drawn):
    """A test of so many examples, whose arguments are drawn by strategies."""
    options = settings(max_examples=examples, deadline=None, derandomize=True, database=None)
    return lambda test: options(given(**drawn)(test))
