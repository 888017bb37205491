"""Everything a training run can be told, and which combinations make no sense."""

from __future__ import annotations

import dataclasses

from . import choices
from .option_names import DISTRIBUTIONS, MULTI_WORKER
from .options import check_choice, check_counts, check_positive, listed, option
from .per_stage import Fitting
from .problem import LEVELS, RESULTS, TRAINING, Problem

PORTABLE = ("onnx", "litert")
BUDGET = "Budget"
SAFETY = "Runs that are stopped"
OF_THE_RUN = ("resume", "checkpoint_seconds", "on_nan")
"""Options that say how a run is kept, and change nothing of what comes of it."""
MOST = 10**9
COARSENINGS = choices.constant_of_library("data/geometry.py", "OFFERED")


@dataclasses.dataclass(frozen=True)
class Settings(Problem):
    """Options of `apps.train`, one flag each. `None` leaves a value to the task or network.

    What a strategy asks of them, its own file checks when training starts.
    """

    dtype_policy: str = option(
        "auto",
        "Keras dtype policy; auto times float32 and mixed_bfloat16 and takes the faster.",
        theme=TRAINING,
    )
    strategy: str = option(
        "full_multiscale",
        "How to train: by which steps, on which levels.",
        choices.strategies(),
        TRAINING,
    )
    compare: tuple[str, ...] = option(
        (), "Strategies to train as well, for comparison.", choices.strategies(), TRAINING
    )
    seconds: float | None = option(
        None, "Training time of each strategy, without validation.", theme=BUDGET
    )
    work_units: float | None = option(None, "Work units of each strategy.", theme=BUDGET)
    iterations: tuple[int, ...] = option(
        Fitting((250, 500, 1000, 2000)),
        "Steps of each stage, finest first; a strategy without stages takes the largest. With a "
        "budget only their proportions count. If not given, they fit themselves to the number of "
        "--batch_sizes: the coarsest stage keeps its steps, or in the preset paper the finest.",
        theme=BUDGET,
    )
    coarsening: str = option(
        "task",
        f"How coarse levels are made, one of {', '.join(COARSENINGS)}; auto measures gradients and "
        "chooses for every level. Or one for every level, finest first, such as task,task,crop.",
        theme=LEVELS,
    )
    single_scale_batch: int = option(
        16, "Batch size of strategies that train on one level.", theme=TRAINING
    )
    final_learning_rate: float = option(
        1e-6, "Last learning rate of the cosine decay.", theme=TRAINING
    )
    decay: str = option(
        "cosine", "Learning rate over the whole run.", ("cosine", "constant"), TRAINING
    )
    distribute: str = option(
        "none",
        "Devices or hosts to train on: mirrored is all GPUs of this machine; multi_worker is all "
        "hosts of TF_CONFIG, each of which runs this command and reads its part of the data.",
        DISTRIBUTIONS,
        TRAINING,
    )
    refresh_statistics: bool = option(
        False,
        "Whether the statistics of BatchNormalization are estimated anew on batches of the finest "
        "mesh for every validation; like it, this is not counted as training time.",
        theme=TRAINING,
    )
    control_weights: tuple[float, ...] | None = option(
        None,
        "How often each coarser level is taken away and added again in the telescoping sum, one "
        "number per pair of levels, finest first; by default once. See apps.diagnose.",
        theme=LEVELS,
    )
    refresh: tuple[int, ...] = option(
        (),
        "Every how many steps each term of the telescoping sum is computed anew, finest first, "
        "such as 8,4,2,1; in between it is kept. By default in every step.",
        theme=LEVELS,
    )
    auto_levels: bool = option(
        False,
        "Whether measured gradients decide levels and batch sizes instead of --batch_sizes; "
        "--iterations then gives the coarsest level's steps, which halve with each finer one.",
        theme=LEVELS,
    )
    validations: int = option(
        40, "Validations of a run, spread evenly over its cost.", theme=BUDGET
    )
    measure_ssim: bool = option(
        False,
        "Whether validations measure the SSIM as well: the standard one, and that of the paper's "
        "authors, for comparison with its tables.",
        theme=RESULTS,
    )
    baseline: bool = option(
        False,
        "Whether classical methods are measured as well, told all about noise, blur or holes; "
        "slow.",
        theme=RESULTS,
    )
    portable: tuple[str, ...] = option((), "Formats to export to as well.", PORTABLE, RESULTS)
    tensorboard: str | None = option(
        None,
        "Folder for TensorBoard, with a folder in it for every strategy: losses by level, stage, "
        "work units, variance and bias, and pictures of the validation with their PSNR.",
        theme=RESULTS,
    )
    output: str | None = option(
        None,
        "Where model, picture and plot go; by default saved_models/trained/TASK, or pairs.",
        theme=RESULTS,
    )

    resume: str = option(
        "auto",
        "Whether a run that was stopped goes on: if there is one, never, or only if there is one.",
        ("auto", "never", "must"),
        SAFETY,
    )
    checkpoint_seconds: float = option(
        30.0, "Seconds between two checkpoints; stages end with one, too.", theme=SAFETY
    )
    on_nan: str = option(
        "stop",
        "What to do when training diverges: stop, and export the best so far; or go back to the "
        "last checkpoint, with half the learning rate, at most three times.",
        ("stop", "rollback"),
        SAFETY,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "single_scale_batch", "validations")
        check_choice(self, "portable", PORTABLE)
        check_choice(self, "decay", ("cosine", "constant"))
        check_choice(self, "resume", ("auto", "never", "must"))
        check_choice(self, "on_nan", ("stop", "rollback"))
        check_positive(self, "checkpoint_seconds")
        check_choice(self, "distribute", DISTRIBUTIONS)
        _check_hosts(self)
        _check_baseline(self)
        _check_iterations(self)
        _check_coarsening(self)
        _check_levels(self)
        _check_budget(self)

    @property
    def coarsenings(self) -> str | tuple[str, ...]:
        """`coarsening` as a `MultiscaleDataset` takes it: one word, or one for every level."""
        words = tuple(word.strip() for word in self.coarsening.split(","))
        return words[0] if len(words) == 1 else words

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategy and those it is compared with, each once."""
        return tuple(dict.fromkeys((self.strategy, *self.compare)))

    @property
    def stage_iterations(self) -> tuple[int, ...]:
        """Steps of each stage, finest first: as given, or else fitted to the levels."""
        counts = self.iterations
        return counts.fitted(len(self.batch_sizes) or 1) if isinstance(counts, Fitting) else counts


def _check_baseline(settings: Settings) -> None:
    from . import classics

    if settings.baseline and (settings.target_dir or settings.task not in classics.METHODS):
        raise ValueError(
            f"--baseline is for {', '.join(classics.METHODS)}: there is no classical method for "
            f"others. Received: --baseline, --task={settings.task}, "
            f"--target_dir={settings.target_dir}."
        )


def _check_hosts(settings: Settings) -> None:
    if settings.distribute != MULTI_WORKER:
        return
    if settings.seconds is not None:
        raise ValueError(
            "The clocks of several hosts differ, so they would not end together. Received: "
            f"--distribute={MULTI_WORKER}, --seconds={settings.seconds:g}. Use --work_units or "
            "--iterations."
        )
    if settings.auto_levels or settings.coarsening == "auto":
        raise ValueError(
            "What is measured differs from host to host, so hosts would decide differently. "
            f"Received: --distribute={MULTI_WORKER} with --auto_levels or --coarsening=auto. Use "
            "what apps.diagnose advises on one host."
        )


def _check_coarsening(settings: Settings) -> None:
    words = settings.coarsenings
    listed_words = (words,) if isinstance(words, str) else words
    known = COARSENINGS if isinstance(words, str) else set(COARSENINGS) - {"auto"}
    if not set(listed_words) <= set(known):
        raise ValueError(
            f"--coarsening is one of {', '.join(COARSENINGS)}, or one but auto for every level. "
            f"Received: --coarsening={settings.coarsening}."
        )
    if not isinstance(words, str) and len(words) != len(settings.batch_sizes):
        raise ValueError(
            "--coarsening is one word, or one for every level. Received: "
            f"--coarsening={settings.coarsening}, --batch_sizes={listed(settings.batch_sizes)}."
        )
    if not isinstance(words, str) and settings.auto_levels:
        raise ValueError(
            "With --auto_levels the number of levels is not known before. Received: "
            f"--auto_levels, --coarsening={settings.coarsening}. Use one word."
        )


def _check_levels(settings: Settings) -> None:
    words = settings.coarsenings
    if "degrade_first" not in words and settings.restriction != "average":
        raise ValueError(
            "--restriction says how pairs are coarsened, so it goes with "
            "--coarsening=degrade_first. Received: "
            f"--restriction={settings.restriction}, --coarsening={settings.coarsening}."
        )
    _check_refresh(settings)
    weights = settings.control_weights
    if weights is None:
        return
    if settings.auto_levels:
        raise ValueError(
            "--control_weights go with --batch_sizes, which --auto_levels decides. Received: "
            f"--auto_levels, --control_weights={listed(weights)}. Leave one of them out."
        )
    if len(weights) != len(settings.batch_sizes) - 1:
        raise ValueError(
            "--control_weights has one number per pair of levels. Received: "
            f"--control_weights={listed(weights)}, --batch_sizes={listed(settings.batch_sizes)}."
        )


def _check_refresh(settings: Settings) -> None:
    if not settings.refresh:
        return
    if settings.auto_levels or settings.distribute != "none":
        raise ValueError(
            "--refresh goes with --batch_sizes on one device. Received: "
            f"--refresh={listed(settings.refresh)}, --auto_levels={settings.auto_levels}, "
            f"--distribute={settings.distribute}."
        )
    from keras_ms.validation import is_refresh, usual_refresh

    levels = len(settings.batch_sizes)
    if not is_refresh(settings.refresh, levels):
        raise ValueError(
            "--refresh has one number per level, finest first, of which the last is 1. Received: "
            f"--refresh={listed(settings.refresh)}, --batch_sizes={listed(settings.batch_sizes)}. "
            f"Use for example {listed(usual_refresh(levels))}."
        )


def _check_budget(settings: Settings) -> None:
    if settings.seconds is not None and settings.work_units is not None:
        raise ValueError(
            "A budget is --seconds or --work_units, not both. Received: "
            f"--seconds={settings.seconds:g}, --work_units={settings.work_units:g}."
        )
    check_positive(settings, "seconds", "work_units")
    if not 0.0 <= settings.final_learning_rate <= settings.learning_rate:
        raise ValueError(
            "--final_learning_rate lies between 0 and --learning_rate. Received: "
            f"--final_learning_rate={settings.final_learning_rate:g}, "
            f"--learning_rate={settings.learning_rate:g}."
        )


def _check_iterations(settings: Settings) -> None:
    counts = settings.iterations
    if sum(counts) > MOST or settings.validations > MOST or (settings.work_units or 0) > MOST:
        raise ValueError(
            f"No run is longer than {MOST:,} steps, work units or validations. Received: "
            f"--iterations={listed(counts)}, --work_units={settings.work_units}, "
            f"--validations={settings.validations}."
        )
    if not counts or min(counts) < 0 or max(counts) == 0:
        raise ValueError(
            "--iterations holds one count of steps per level, none negative and not all zero. "
            f"Received: --iterations={listed(counts)}."
        )
