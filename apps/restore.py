"""Restores photographs with a model by name, or one that was exported.

    python -m apps.restore --model=denoising --input=PHOTO_OR_FOLDER --output=DIR
    python -m apps.restore --model=... --input=DEGRADED --output=DIR --compare=CLEAN
    python -m apps.restore --serve

Pictures keep their names, formats, bits, bands, orientation, alpha and colour profile; what cannot
be kept is named. Those of more than --max_pixels are restored in tiles. Unreadable files are named
and skipped, and the exit status is then 1. A model that was trained with --classes writes masks:
PNG files of class numbers, named as the pictures. With --serve a page in the browser takes a
picture, shows it before and after, and gives the result back; nothing is left when the command
ends.
"""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Any

from .experiment import flags
from .experiment.command import as_typed
from .experiment.options import check_counts, check_positive, check_range, option

if TYPE_CHECKING:  # else `--help` would take as long as loading TensorFlow
    from .experiment.one_picture import How
    from .experiment.restoring import Result

FILES, MODEL, IN_BROWSER = "Pictures", "Model", "In the browser"
LAST_PORT = 65535
OF_FILES = ("input", "output", "compare")
OF_PAGE = ("port", "max_megabytes")


@dataclasses.dataclass(frozen=True)
class RestoreSettings:
    """Options of `apps.restore`, one flag each."""

    model: str | None = option(
        None,
        "deblurring, denoising, inpainting or super_resolution; or the folder of a SavedModel "
        "that apps.train or keras_ms.inference.export wrote. With --serve, one more to choose.",
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
    max_megapixels: float | None = option(
        None,
        "Pictures of more millions of pixels are refused. By default 1000, with --serve 100.",
        theme=FILES,
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
    serve: bool = option(
        False,
        "Whether a page for the browser of this machine takes the pictures.",
        theme=IN_BROWSER,
    )
    port: int | None = option(
        None, "Where the page is; 0 for any that is free. By default 8000.", theme=IN_BROWSER
    )
    max_megabytes: float | None = option(
        None, "Files of more millions of bytes are refused. By default 200.", theme=IN_BROWSER
    )

    def __post_init__(self) -> None:
        if self.serve:
            self._refuse(OF_FILES, "--serve takes pictures from the page, and gives them back")
        else:
            self._refuse(OF_PAGE, "Only --serve has a page")
            if not (self.model and self.input and self.output):
                raise ValueError("--model, --input and --output are needed, or --serve.")
        check_counts(self, "max_pixels")
        check_positive(self, "max_megapixels", "max_megabytes")
        check_range(self, "value_range")
        if self.port is not None and not 0 <= self.port <= LAST_PORT:
            raise ValueError(f"--port is 0 to {LAST_PORT}. Received: --port={self.port}.")

    def _refuse(self, names: tuple[str, ...], reason: str) -> None:
        values = {name: getattr(self, name) for name in names}
        given = [f"--{name}={value}" for name, value in values.items() if value is not None]
        if given:
            raise ValueError(f"{reason}. Received: {', '.join(given)}.")

    def how(self, restorer: Any) -> How:
        """How pictures are restored by a model."""
        from .experiment.one_picture import How

        limit = {} if self.max_megapixels is None else {"max_megapixels": self.max_megapixels}
        return How(
            restorer,
            self.max_pixels,
            self.noise_level,
            value_range=self.value_range,  # type: ignore[arg-type]  # checked to be two
            **limit,
        )


def run(settings: RestoreSettings) -> list[Result]:
    """Restores, and shows what came of it; or serves the page until the command is ended.

    Returns:
        What was restored, if all was.

    Raises:
        ValueError: If there is nothing to restore, or nothing to do it with.
        SystemExit: If some pictures could not be restored.
    """
    if settings.serve:
        from .serving import app

        app.run(settings)
        return []
    from .experiment import one_picture, restoring

    how = settings.how(one_picture.load(str(settings.model), settings.trust, masks=True))
    job = restoring.Job(how, str(settings.input), str(settings.output), settings.compare)
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
