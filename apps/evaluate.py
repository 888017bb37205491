"""Judges trained models on whole pictures, beside classical methods that are told everything.

    python -m apps.evaluate --models=denoising --input=PHOTOS --noise=15,25,50
    python -m apps.evaluate --models=deblurring --task=deblurring --input=PHOTOS --tune_input=OTHERS
    python -m apps.evaluate --models=inpainting --task=inpainting --holes=strokes,text --side=128

Every picture is degraded by the task, restored by each model and by each classical method, and
compared with what it was. Leaves in --output the tables evaluation.md, every figure in
evaluation.json, and the sheet evaluation.png. What is on file is not made again: a run that was
stopped goes on; take another --output for other options.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from .experiment import flags
from .experiment.option_names import FOLDER_OPTIONS, NETWORK_OPTIONS, PAIR_OPTIONS
from .experiment.options import check_counts, option
from .experiment.problem import IMAGES, RESULTS, Problem

WAYS = "Ways to restore"


@dataclasses.dataclass(frozen=True)
class EvaluateSettings(Problem):
    """Options of `apps.evaluate`, one flag each."""

    UNUSED: ClassVar[tuple[str, ...]] = (
        *PAIR_OPTIONS,
        *NETWORK_OPTIONS,
        *FOLDER_OPTIONS,
        *("preset", "network", "dataset", "data_dir", "limit", "cache_gb", "batch_sizes"),
        *("image_size", "restriction", "conditional", "loss", "optimizer", "learning_rate"),
        *("flip", "enlarged_by", "dtype_policy", "jit_compile", "validation_samples"),
        "max_bad_fraction",
    )

    keep_contrast: bool = option(
        True, "Whether inputs are as bright as photographs.", theme="What is learned"
    )
    input: str | None = option(
        None,
        "Folder of clean pictures, searched recursively. By default the two photographs of "
        "scikit-image that nothing in the library is trained on.",
        theme=IMAGES,
    )
    pictures: int | None = option(None, "Most pictures.", theme=IMAGES)
    side: int = option(
        100_000,
        "Longest side of the middles of pictures that are taken. Rectangular holes grow with the "
        "picture: give the size that a model was trained on.",
        theme=IMAGES,
    )
    noise: tuple[float, ...] = option(
        (),
        "Standard deviations of the noise, of 255, each a table. By default as --preset=quick of "
        "apps.train trains on it (denoising: 0 to 55), drawn anew for every picture.",
        theme="What is learned",
    )
    models: tuple[str, ...] = option(
        (), "Names of models, or folders of SavedModels, to judge.", theme=WAYS
    )
    trust: bool = option(
        False, "Whether models may do more than compute, such as write files.", theme=WAYS
    )
    classical: bool = option(True, "Whether classical methods are judged, too.", theme=WAYS)
    tune_input: str | None = option(
        None,
        "Folder of other pictures, on which strengths of classical methods are chosen. By default "
        "the first of each is taken.",
        theme=WAYS,
    )
    tune_pictures: int = option(5, "Pictures to choose on, middles of 160 px.", theme=WAYS)
    output: str = option("evaluation", "Folder for tables and sheet.", theme=RESULTS)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "pictures", "side", "tune_pictures")
        if any(not 0.0 <= level <= 255.0 for level in self.noise):
            raise ValueError(
                "--noise is a list of standard deviations from 0 to 255. Received: "
                f"--noise={','.join(f'{level:g}' for level in self.noise)}."
            )
        if not (self.models or self.classical):
            raise ValueError("There is nothing to judge. Received: no --models, --noclassical.")
        if self.noise and not (self.t_low is None and self.t_high is None):
            raise ValueError("--noise says what --t_low and --t_high would. Received: both.")


def run(settings: EvaluateSettings) -> str:
    """Judges all ways on all pictures; writes tables and sheet.

    Returns:
        The tables, in Markdown.

    Raises:
        ValueError: If there is no picture, or no model of a name.
    """
    from .experiment import evaluating

    return evaluating.run(settings)


def main() -> None:
    """Runs the app on the flags of the command line."""
    flags.start("evaluate", EvaluateSettings, run)


if __name__ == "__main__":
    main()
