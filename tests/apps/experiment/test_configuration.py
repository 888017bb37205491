"""Options from a file, and the file that repeats a run."""

import pytest

from apps.experiment import configuration, flags, presets
from apps.experiment.settings import Settings

FILE = """
# of a run
preset: paper
seconds: 60
learning_rate: 1e-3   # a text to YAML
batch_sizes: [2, 4]
flip: false
classes: null
output: a folder
control_weights:
- 0.5
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(FILE)
    return path


def settings_of(parse, *arguments):
    return parse(Settings, *configuration.expanded(["app", *arguments], Settings)[1:])


def test_a_file_is_as_good_as_flags(file, parse):
    made = settings_of(parse, f"--config={file}")
    wanted = presets.make(
        Settings,
        "paper",
        seconds=60.0,
        learning_rate=1e-3,
        batch_sizes=(2, 4),
        flip=False,
        output="a folder",
        control_weights=(0.5,),
    )
    assert made == wanted
    assert set(made.given) == set(wanted.given)


@pytest.mark.parametrize("before", [True, False])
def test_what_is_given_beside_it_counts_more(file, parse, before):
    config, others = ["--config", str(file)], ["--flip", "--seconds=5", "--batch_sizes=8,16"]
    made = settings_of(parse, *((*others, *config) if before else (*config, *others)))
    assert (made.flip, made.seconds, made.batch_sizes) == (True, 5.0, (8, 16))
    assert made.learning_rate == 1e-3


def test_what_is_no_option_is_left_alone():
    line = ["app", "--seed=1", "--", "--config=none.yaml"]
    assert configuration.expanded(line, Settings) == line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1", "a mapping"),
        ("seconds", "a mapping"),
        ("seconds: {a: 1}", "seconds in .*run.yaml"),
        ("second: 1", "no such option. Received: second in"),
        ("given: 1", "no such option"),
        ("a: [", "cannot be read"),
    ],
)
def test_other_files_are_refused(tmp_path, text, message):
    (tmp_path / "run.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        configuration.read(tmp_path / "run.yaml", Settings)


def test_so_are_files_that_are_not_there_and_none_at_all(tmp_path):
    with pytest.raises(ValueError, match=r"cannot be read\. Received: .*none\.yaml"):
        configuration.read(tmp_path / "none.yaml", Settings)
    with pytest.raises(ValueError, match="no file"):
        configuration.expanded(["app", "--config"], Settings)


def test_it_ends_in_one_line_that_says_what_to_mend(tmp_path, monkeypatch):
    (tmp_path / "run.yaml").write_text("second: 1\n")
    monkeypatch.setattr("sys.argv", ["app", f"--config={tmp_path / 'run.yaml'}"])
    monkeypatch.setattr(flags, "define", lambda settings: None)
    with pytest.raises(SystemExit, match=r"^apps\.train: There is no such option[^\n]*$"):
        flags.start("train", Settings, lambda settings: None)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--preset=paper", "--iterations=1,2", "--batch_sizes=2,4", "--nojit_compile"),
        ("--seconds=1e-3", "--border=circular", "--task=deblurring", "--output=x: y #z"),
        ("--compare=multiscale,adaptive", "--mean=.5,.4,.3", "--validations=3"),
    ],
)
def test_the_file_of_a_run_repeats_it(arguments, parse, tmp_path):
    made = parse(Settings, *arguments)
    configuration.write(made, "train", tmp_path / "config.yaml")
    again = settings_of(parse, f"--config={tmp_path / 'config.yaml'}")
    assert again == made
    assert (again.preset, set(again.given)) == (made.preset, set(made.given))
    text = (tmp_path / "config.yaml").read_text()
    assert "# image_size: " in text  # also of what was not given


def test_settings_made_in_python_leave_no_file(tmp_path):
    configuration.write(Settings(), "train", tmp_path / "config.yaml")
    assert not list(tmp_path.iterdir())
