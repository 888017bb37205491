"""Restores photographs with a model by name, or one that was exported.

    python -m apps.restore --model=denoising --input=PHOTO_OR_FOLDER --output=DIR
    python -m apps.restore --model=... --input=DEGRADED --output=DIR --compare=CLEAN

Pictures keep their names, formats, bits, bands, orientation, alpha and colour profile; what cannot
be kept is named. Those of more than --max_pixels are restored in tiles. Unreadable files are named
and skipped, and the exit status is then 1.
"""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

from .experiment import flags
from .experiment.command import as_typed
from .experiment.options import check_counts, check_positive, check_range, option

if TYPE_CHECKING:  # else `--help` would take as long as loading TensorFlow
    from .experiment.restoring import Result

FILES, MODEL = "Pictures", "Model"


@dataclasses.dataclass(frozen=True)
class RestoreSettings:
    """Options of `apps.restore`, one flag each."""

    model: str | None = option(
        None,
        "deblurring, denoising, inpainting or super_resolution; or the folder of a SavedModel "
        "that apps.train or keras_ms.inference.export wrote.",
        theme=MODEL,
    )
    noise_level: float | None = option(
        None, "t, for a model that is told the noise level.", theme=MODEL
    )
    trust: bool = option(
        False,
        "Whether a model may do more than compute, such as write files or run Python; without "
        "it, such a model is refused, and what it does is listed.",
        theme=MODEL,
    )
    max_pixels: int = option(1_000_000, "Larger pictures are restored in tiles.", theme=MODEL)
    max_megapixels: float = option(
        1000.0, "Pictures of more millions of pixels are refused.", theme=FILES
    )
    value_range: tuple[float, ...] | None = option(
        None,
        "Values of black and white, such as 0,4095; by default 0 and the greatest of 8 or of 16 "
        "bits, 0 and 1 of floats.",
        theme=FILES,
    )
    input: str | None = option(
        None, "A picture, or a folder of pictures, searched recursively.", theme=FILES
    )
    output: str | None = option(None, "Folder to write to.", theme=FILES)
    compare: str | None = option(
        None, "Folder of clean pictures of the same names, for PSNR and SSIM.", theme=FILES
    )

    def __post_init__(self) -> None:
        if not (self.model and self.input and self.output):
            raise ValueError("--model, --input and --output are needed.")
        check_counts(self, "max_pixels")
        check_positive(self, "max_megapixels")
        check_range(self, "value_range")


def run(settings: RestoreSettings) -> list[Result]:
    """Restores, and shows what came of it.

    Returns:
        What was restored, if all was.

    Raises:
        ValueError: If there is nothing to restore, or nothing to do it with.
        SystemExit: If some pictures could not be restored.
    """
    from .experiment import restoring

    restorer = restoring.load(str(settings.model), settings.noise_level, settings.trust)
    job = restoring.Job(
        restorer,
        str(settings.input),
        str(settings.output),
        settings.compare,
        settings.max_pixels,
        settings.noise_level,
        settings.max_megapixels,
        settings.value_range,  # type: ignore[arg-type]  # checked to be two
    )
    results, problems = restoring.restore_files(job)
    if results:
        restoring.show(results, job.output)
    if problems:
        sys.exit(as_typed(f"apps.restore: {len(problems)} problems, named above."))
    return results


def main() -> None:
    """Runs the app on the flags of the command line."""
    flags.start("restore", RestoreSettings, run)


if __name__ == "__main__":
    main()
