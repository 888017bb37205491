import dataclasses
import subprocess
import sys

import pytest
from absl import flags as absl_flags

from apps.benchmark.settings import BenchmarkSettings
from apps.diagnose import DiagnoseSettings
from apps.experiment import choices, flags, options, presets
from apps.experiment.problem import Problem
from apps.experiment.settings import Settings
from apps.frontier.problems import Named
from apps.frontier.runs import settings_of
from apps.frontier.settings import FrontierSettings
from apps.races import race
from apps.races.settings import RaceSettings
from apps.reproduce.settings import ReproduceSettings

EVERY_APP = [
    *(Settings, DiagnoseSettings, RaceSettings, FrontierSettings),
    BenchmarkSettings,
]


QUICK = {
    "network": "half_resnet",
    "strategy": "progressive",
    "keep_contrast": True,
    "residual": True,
    "t_low": 0.7,
    "t_high": 1.0,
    "image_size": 64,
    "batch_sizes": (4, 16),
    "iterations": (1000, 1000),
    "learning_rate": 1e-3,
}


def test_without_flags_the_preset_is_quick(parse):
    assert parse(Settings) == presets.make(Settings, "quick")
    assert parse(Settings) == Settings(**QUICK)


def test_flags_override_the_preset(parse):
    settings = parse(
        Settings,
        "--preset=paper",
        "--batch_sizes=2, 4",
        "--iterations=1,2",
        "--seconds=5",
        "--noflip",
        "--control_weights=0.5",
    )
    assert settings.batch_sizes == (2, 4)
    assert settings.seconds == 5.0
    assert settings.flip is False
    assert settings.width is None
    assert settings.control_weights == (0.5,)


@pytest.mark.parametrize("settings", EVERY_APP)
def test_every_option_is_a_flag_and_nothing_else_is(settings, parse):
    parse(settings)
    names = {field.name for field in options.options_of(settings)}
    assert names | {"preset"} <= set(absl_flags.FLAGS)
    assert not {"given", *getattr(settings, "UNUSED", ())} & set(absl_flags.FLAGS)


def test_settings_without_presets_have_no_such_flag(parse):
    @dataclasses.dataclass(frozen=True)
    class Plain:
        size: int = options.option(3, "A size.")
        names: tuple[str, ...] = options.option((), "Names.")

    assert parse(Plain, "--size=4", "--names=a,b") == Plain(4, ("a", "b"))
    assert "preset" not in absl_flags.FLAGS
    made = parse(ReproduceSettings, "--target=work_units,table3", "--seeds=0,2")
    assert made == ReproduceSettings(("work_units", "table3"), seeds=(0, 2))
    assert "preset" not in absl_flags.FLAGS


def test_a_list_that_is_not_of_numbers(parse):
    with pytest.raises(ValueError, match="Received: --batch_sizes=4,eight"):
        parse(Settings, "--batch_sizes=4,eight")


@pytest.mark.parametrize("argument", ["--help", "--seed=3"])
def test_an_offer_that_cannot_be_read_ends_every_command_in_one_line(
    argument, tmp_path, monkeypatch
):
    (tmp_path / "broken.py").write_text("NAMES = ['one']\n")
    monkeypatch.setattr(choices, "STRATEGIES", tmp_path)
    monkeypatch.setattr("sys.argv", ["app", argument])
    with pytest.raises(SystemExit, match=r"^apps\.train: NAMES [^\n]*/broken\.py[^\n]*$"):
        flags.start("train", Settings, lambda settings: None)


# What the command line says of one of the problems that each app goes through.
ROWS = {
    RaceSettings: lambda made, task, network: race.settings_of(made, (task, network), "adaptive"),
    BenchmarkSettings: lambda made, task, network: race.settings_of(
        made, (task, network), "adaptive"
    ),
    FrontierSettings: lambda made, task, network: settings_of(
        made, Named(task, network), "coarse_to_fine"
    ),
}
EVERY_ROW = pytest.mark.parametrize(("settings", "row_of"), ROWS.items())


@EVERY_ROW
def test_the_preset_holds_in_every_row(settings, row_of, parse):
    quick, paper = parse(settings), parse(settings, "--preset=paper")
    assert (row_of(quick, "denoising", "unet").width, quick.conditional) == (16, False)
    row = row_of(paper, "denoising", "unet")
    assert (row.width, row.dropout, row.conditional, row.learning_rate) == (None, None, True, 5e-4)
    assert row_of(paper, "deblurring", "unet").border == "circular"


@pytest.mark.parametrize("settings", [RaceSettings, BenchmarkSettings])
def test_a_race_of_the_paper_has_all_of_its_values(settings, parse):
    made = parse(settings, "--preset=paper")
    row = race.settings_of(made, ("denoising", "resnet"), "single_scale")
    assert (row.single_scale_batch, row.batch_sizes) == (240, (16, 32, 64, 128))
    assert (row.coarsening, row.restriction) == ("degrade_first", "stride")


@EVERY_ROW
@pytest.mark.parametrize("preset", list(presets.PRESETS))
def test_a_flag_given_its_default_is_given(settings, row_of, preset, parse):
    arguments = ["--noconditional", "--loss=mse", f"--preset={preset}"]
    has_rate = settings not in (RaceSettings, FrontierSettings)
    if has_rate:
        arguments.append("--learning_rate=3e-3")
    row = row_of(parse(settings, *arguments), "denoising", "resnet50")
    assert row.conditional is False
    if has_rate:
        assert row.learning_rate == 3e-3


def test_benchmarks_of_the_paper_run_its_batch_sizes_unless_others_are_given(parse):
    assert parse(BenchmarkSettings, "--preset=paper").run_batch_sizes == (16, 32, 64, 128)
    given = parse(BenchmarkSettings, "--preset=paper", "--run_batch_sizes=4,8,16,32")
    runs = options.replaced(given, batch_sizes=given.run_batch_sizes)
    row = race.settings_of(runs, ("denoising", "resnet"), "multiscale")
    assert row.batch_sizes == (4, 8, 16, 32)


def test_settings_made_in_python_are_what_they_say():
    made = RaceSettings(learning_rate=3e-3, width=7)
    row = presets.row(made, Problem, "denoising", "unet", seed=4)
    assert (row.learning_rate, row.width, row.seed) == (3e-3, 7, 4)


def test_memory_that_runs_out_is_said_in_words():
    exhausted = type("ResourceExhaustedError", (Exception,), {})
    said = flags._in_words(exhausted("OOM when allocating\n a tensor"))
    assert said.startswith("Memory ran out. Received: OOM when allocating a tensor Use a smaller")
    assert flags._in_words(MemoryError("Memory ran out here.")) == "Memory ran out here."
    assert flags._in_words(KeyError("a fault")) is None


def test_ctrl_c_where_nothing_can_be_lost_ends_in_one_line(monkeypatch, capsys):
    def interrupted(settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(flags, "read", lambda settings: None)
    with pytest.raises(SystemExit) as end:
        flags._run("train", Settings, interrupted, ["train"], loads=False)
    assert end.value.code == 130
    assert capsys.readouterr().err == "apps.train: stopped (SIGINT)\n"


def test_who_reads_the_help_may_stop():
    command = [sys.executable, "-m", "apps.train", "--help"]
    app = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    app.stdout.close()  # before the first line
    assert app.stderr.read() == ""
    app.stderr.close()
    assert app.wait() == 0
