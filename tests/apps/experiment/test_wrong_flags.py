import pytest
from absl import flags

from apps.experiment import wrong_flags


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--widht=3"], "There is no such option. Received: --widht. Use --width; --help"),
        (["--zzzzzz"], "There is no such option. Received: --zzzzzz. Use --help"),
        (["--kind=x"], "--kind is one of a, b. Received: --kind=x."),
        (["--width=x"], "--width has no such value (invalid literal"),
        (["--width"], "Missing value for flag --width. Use --help"),
    ],
)
def test_wrong_options_are_told_like_other_errors(arguments, said):
    values = flags.FlagValues()
    flags.DEFINE_integer("width", None, "", flag_values=values)
    flags.DEFINE_enum("kind", None, ["a", "b"], "", flag_values=values)
    with pytest.raises(flags.Error) as caught:
        values(["app", *arguments])
    assert wrong_flags.in_words(caught.value).startswith(said)
