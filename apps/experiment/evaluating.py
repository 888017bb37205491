"""Judges models and classical methods picture by picture, and keeps on file what it found."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import keras_ms
from keras_ms import safe_files
from keras_ms.inference.restoring import Restorer

from . import classics, output_folder, plots, presets, quality, sheets, tables
from .made_with import as_json, check_same
from .options import as_dict
from .printable import printable
from .quality import Pictures

TUNED_SIDE = 160  # pixels
SHEET_ROWS = 3
FILES = ("evaluation.json", "evaluation.md", "evaluation.png")
OWN = "as drawn"
FIGURES = {
    "PSNR": "{:.2f} dB",
    "PSNR of luminance": "{:.2f} dB",
    "SSIM": "{:.4f}",
    "mean colour off by (of 255)": "{:.2f}",
}

Way = Callable[[Pictures], np.ndarray]


class Photo(NamedTuple):
    """A clean picture: its name, and pixels `(height, width, bands)`."""

    name: str
    pixels: np.ndarray


def run(settings: Any) -> str:
    """Judges all ways on all pictures; see `apps.evaluate`."""
    models = {name: _by_model(_loaded(name, settings.trust)) for name in settings.models}
    photos = list(_photos(settings.input, settings.pictures))
    with output_folder.held(settings.output, FILES) as output:
        return _run(settings, output, models, photos)


def _run(settings: Any, output: pathlib.Path, models: dict[str, Way], photos: list[Photo]) -> str:
    kept = Kept(output / "evaluation.json", settings)
    levels = settings.noise or (None,)
    for level in levels:
        at, ways = _at(settings, level), dict(models)
        if settings.classical:
            ways |= _classical(at, kept, _title(level))
        ways = {"degraded": lambda made: made.degraded, **ways}
        rows = _judged(at, _title(level), photos, ways, kept, SHEET_ROWS * (level == levels[-1]))
    text = _report(settings, kept, photos)
    safe_files.write_text(output / "evaluation.md", text)
    plots.draw_sheet([sheets.sheet_row(row) for row in rows], output / "evaluation.png")
    print(f"{text}\nLook at {output / 'evaluation.md'} and {output / 'evaluation.png'}.")
    return text


def _judged(
    settings: Any, title: str, photos: list[Photo], ways: dict[str, Way], kept: Kept, shown: int
) -> list[dict[str, np.ndarray]]:
    """Judges what is not on file; returns rows of the sheet, of the first pictures."""
    from rich.progress import track

    rows = []
    for index, photo in enumerate(track(photos, title, disable=not sys.stdout.isatty())):
        missing = [way for way in ways if not kept.has(title, photo.name, way)]
        wanted = list(ways) if index < shown else missing
        if not wanted:
            continue
        clean = quality.normalised_middle(settings, photo.pixels, settings.side)
        made = quality.make_pictures(settings, clean, (settings.seed, index))
        restored = {way: ways[way](made) for way in wanted}
        for way in missing:
            kept.add(title, photo.name, way, _figures(made.clean, restored[way]))
        if index < shown:
            every = {"clean": made.clean, **restored}
            rows.append({name: pictures[0] for name, pictures in every.items()})
    return rows


def _figures(clean: np.ndarray, restored: np.ndarray) -> list[float]:
    """What is known of a restored picture, in the order of `FIGURES`."""
    from skimage.color import rgb2ycbcr
    from skimage.metrics import peak_signal_noise_ratio

    psnr, ssim, colour = quality.measure(clean, restored)
    # As papers on super-resolution have it, but for the border, which they shave off.
    one, other = (rgb2ycbcr(pictures)[..., 0] / 255.0 for pictures in (clean, restored))
    return [psnr, float(peak_signal_noise_ratio(one, other, data_range=1.0)), ssim, colour]


class Kept:
    """What was found, on file after every picture.

    Args:
        path: The JSON file.
        settings: Of the run.

    Raises:
        ValueError: If the file was made with other settings.
    """

    def __init__(self, path: pathlib.Path, settings: Any) -> None:
        self._path = path
        free = {"output", "models", "trust", "classical", "pictures", "noise"}
        told = {name: value for name, value in as_dict(settings).items() if name not in free}
        made_with = as_json(told)
        self.content: dict[str, Any] = {"settings": made_with, "tuned": {}, "found": {}}
        if path.exists():
            self.content = json.loads(path.read_text())
        check_same(path, self.content["settings"], made_with, "results")

    def has(self, level: str, photo: str, way: str) -> bool:
        """Whether a way was judged on a picture."""
        found = self.content["found"].get(level, {}).get(photo, {}).get(way, ())
        return len(found) == len(FIGURES)  # results of an earlier version had fewer

    def add(self, level: str, photo: str, way: str, found: list[float]) -> None:
        """Keeps what was found."""
        of_photo = self.content["found"].setdefault(level, {}).setdefault(photo, {})
        of_photo[way] = found
        self.save()

    def save(self) -> None:
        """Writes the file, and makes its folder: no run that found nothing leaves one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        safe_files.write_text(self._path, json.dumps(self.content, indent=1) + "\n")


def _title(level: float | None) -> str:
    return OWN if level is None else f"noise {level:g}"


def _photos(source: str | None, most: int | None) -> Iterator[Photo]:
    """Pictures in the order of their names; what cannot be read is named and skipped."""
    if source is None:
        names = keras_ms.data.sources.photos.PHOTOS["validation"]
        yield from map(Photo, names[:most], keras_ms.data.photos("validation"))
        return
    root, count = pathlib.Path(source).expanduser(), 0
    for path in keras_ms.data.image_files(root):
        if most is not None and count == most:
            return
        try:
            pixels = keras_ms.data.sources.folder.read_image(path, 3)
        except ValueError as error:
            print(printable(f"Skipped: {error}"), file=sys.stderr)
            continue
        count += 1
        yield Photo(str(path.relative_to(root)), pixels)
    if not count:
        raise ValueError(f"There is no picture that can be read. Received: --input={source}.")


def _loaded(model: str, trust: bool) -> Restorer:
    restorer = keras_ms.inference.load(model, trust=trust)
    if restorer.conditional or restorer.output != "image" or restorer.channels != 3:
        raise ValueError(
            "Models to judge take pictures in colour, are not told the noise, and return pictures. "
            f"Received: --models={model}."
        )
    return restorer


def _by_model(restorer: Restorer) -> Way:
    def restore(made: Pictures) -> np.ndarray:
        seen = np.asarray(made.seen, "float32")
        return np.stack([keras_ms.inference.restore(restorer, one) for one in seen]).clip(0.0, 1.0)

    return restore


def _at(settings: Any, level: float | None) -> Any:
    """Settings whose task draws noise of one standard deviation, of 255, or of the usual range."""
    if level is None:
        return _as_models_are_trained(settings)
    std = float(np.mean(settings.normalization_of_images[1]))
    share = (level / 255.0) / (level / 255.0 + std)
    t = 1.0 - share if settings.task == "denoising" else share
    return dataclasses.replace(settings, t_low=t, t_high=t, noise=())


def _as_models_are_trained(settings: Any) -> Any:
    """Settings with the noise that models of a task are trained on, where none is given.

    The task's own range may reach pure noise, which no picture as bright as a photograph has.
    """
    usual = presets.QUICK.get(settings.task, {})
    if not settings.keep_contrast or "t_low" not in usual:
        return settings
    low, high = settings.t_low, settings.t_high
    high = max(usual["t_high"], low or 0.0) if high is None else high
    low = min(usual["t_low"], high) if low is None else low
    return dataclasses.replace(settings, t_low=low, t_high=high)


def _classical(settings: Any, kept: Kept, level: str) -> dict[str, Way]:
    """Classical methods with their strengths, which are chosen if there are pictures for it."""
    for name in classics.missing(settings.task):
        print(f'{name} is left out: pip install "keras-ms[rivals]".')
    strengths = kept.content["tuned"].setdefault(level, {})
    examples = None
    for method in classics.of(settings.task):
        if method.name not in strengths:
            examples = _examples(settings) if examples is None else examples
            strengths[method.name] = classics.tuned(method, examples) if examples else None
            kept.save()
    return {
        method.name: _by_classic(method, strengths[method.name])
        for method in classics.of(settings.task)
    }


def _examples(settings: Any) -> list[tuple[np.ndarray, np.ndarray, classics.Told]]:
    if settings.tune_input is None:
        return []
    found = []
    for index, photo in enumerate(_photos(settings.tune_input, settings.tune_pictures)):
        clean = quality.normalised_middle(settings, photo.pixels, TUNED_SIDE)
        made = quality.make_pictures(settings, clean, (settings.seed + 1, index))
        found.append((made.clean[0], made.seen[0], made.told[0]))
    return found


def _by_classic(method: classics.Classic, strength: float | None) -> Way:
    def restore(made: Pictures) -> np.ndarray:
        both = zip(made.seen, made.told, strict=True)
        return np.stack([classics.restored(method, *one, strength) for one in both])

    return restore


def _report(settings: Any, kept: Kept, photos: list[Photo]) -> str:
    names = [photo.name for photo in photos]
    parts = []
    for level in settings.noise or (None,):
        found = kept.content["found"][_title(level)]
        ways = [way for way in found[names[0]] if all(way in found[name] for name in names)]
        rows = []
        for way in ways:
            means = np.mean([found[name][way] for name in names], axis=0)
            shown = [form.format(one) for form, one in zip(FIGURES.values(), means, strict=True)]
            strength = kept.content["tuned"].get(_title(level), {}).get(way)
            tuned = f", strength {strength:g}" if strength is not None else ""
            rows.append([f"{way}{tuned}", *shown])
        columns = ["restored by", *FIGURES]
        title = f"**{settings.task}, {_title(level)}**: means over {len(names)} pictures"
        parts.append(f"{title}\n\n{tables.markdown(columns, rows)}")
    return "\n".join(parts)
