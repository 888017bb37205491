"""TIFF files out: any depth, any number of bands, with the tags that pixels do not depend on."""

from __future__ import annotations

import io
import os
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from keras_ms.data.sources import tiff_reader

Path = str | os.PathLike[str]

NONE, ASCII, RATIONAL = 1, 2, 5
RESOLUTION = (282, 283, 296)
PROFILE = 34675
DESCRIPTION = 270
SAID_OTHERWISE = (DESCRIPTION, 305, 306, PROFILE, *RESOLUTION)  # by arguments of `imwrite`
# Make, model, artist, computer, copyright, XMP, IPTC.
KEPT = (271, 272, 315, 316, 33432, 700, 33723)
OF_PLACES = (33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113)  # GeoTIFF's and GDAL's
NOT_WRITTEN = {34665: "EXIF", 34853: "GPS"}
OF_LAYOUT = ("ImageJ=", "{", "<?xml", "<OME")  # descriptions of how pages make up the pixels


class TiffTags(NamedTuple):
    """What a TIFF file tells besides its pixels.

    Attributes:
        options: Arguments of `tifffile.imwrite`.
        colour: Whether the first three bands are red, green and blue.
        places: Tags of where on Earth the pixels are, if they are to be written with them.
        notes: What is left out, and why.
    """

    options: dict[str, Any]
    colour: bool
    places: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()


def tags(path: Path, bands: int, dtype: np.dtype) -> TiffTags:
    """Reads what a TIFF file tells besides its pixels, which have so many bands, of a type.

    Raises:
        ValueError: If it holds more than one picture.
    """
    return tiff_reader.opened(path, lambda file: _tags(file, bands, dtype))


def _tags(file: Any, bands: int, dtype: np.dtype) -> TiffTags:
    if len(file.series) > 1:
        raise ValueError(f"{len(file.series)} frames; one is expected")
    page = file.pages[0]
    notes = [f"{name} tags" for code, name in NOT_WRITTEN.items() if code in page.tags]
    if dtype != np.uint8 and page.dtype != dtype:
        notes.append(f"the type {page.dtype} of the pixels, which become {dtype}")
    options: dict[str, Any] = {"compression": None if page.compression == NONE else "zlib"}
    options |= _options(page, notes)
    upright = 274 not in page.tags or page.tags[274].value == 1
    extra = [_extra(page.tags[code], notes) for code in KEPT if code in page.tags]
    places = [_extra(page.tags[code], notes) for code in OF_PLACES if code in page.tags]
    if places and not upright:
        notes.append("places of the pixels, which are turned upright")
        places = []
    options["extratags"] = [tag for tag in extra if tag is not None]
    colour = bands == 3 if page.photometric not in (0, 1) else False
    colour = colour or (page.photometric == tiff_reader.RGB and bands > 3)
    return TiffTags(options, colour, tuple(tag for tag in places if tag is not None), tuple(notes))


def _options(page: Any, notes: list[str]) -> dict[str, Any]:
    """Arguments of `imwrite` for tags that it will not take as others."""
    found: dict[str, Any] = {}
    if page.description and not page.description.startswith(OF_LAYOUT):
        found["description"] = page.description
    elif page.description and not page.description.startswith("{"):
        notes.append("a description of how the pages make up the pixels")
    for code, name in ((305, "software"), (306, "datetime"), (PROFILE, "iccprofile")):
        if code in page.tags:
            found[name] = page.tags[code].value
    try:
        unit = int(page.tags[296].value) if 296 in page.tags else 2
        x, y = (page.tags[code].value for code in RESOLUTION[:2])
        found |= {"resolution": (tuple(x), tuple(y)), "resolutionunit": unit}
    except KeyError:
        pass  # there is none
    except (TypeError, ValueError):
        notes.append("the resolution")
    return {name: value for name, value in found.items() if _writes({name: value}, name, notes)}


def _extra(tag: Any, notes: list[str]) -> Any:
    """A tag as `imwrite` takes it, or `None` if it cannot be written."""
    count = 0 if tag.dtype == ASCII else tag.count
    entry = (tag.code, tag.dtype, count, tag.value, True)
    return entry if _writes({"extratags": [entry]}, tag.name, notes) else None


def _writes(options: dict[str, Any], name: str, notes: list[str]) -> bool:
    import tifffile

    if "resolutionunit" in options:
        options = {"resolution": (1, 1), **options}
    try:
        pixel, tiny = np.zeros((1, 1), np.uint8), io.BytesIO()
        tifffile.imwrite(tiny, pixel, photometric="minisblack", metadata=None, **options)
        with Image.open(tiny) as image:  # what other readers make of it
            image.load()
    except Exception:  # each type of value fails in a way of its own
        notes.append(f"the tag {name}")
        return False
    return True


def write(
    path: Path, pixels: np.ndarray, alpha: np.ndarray | None, told: TiffTags, enlarged: bool
) -> None:
    """Writes a TIFF file.

    Args:
        path: Where to.
        pixels: `(height, width, bands)`.
        alpha: Opacity `(height, width)`, of the same type, or `None`.
        told: What the file shall tell besides.
        enlarged: Whether pixels are smaller than those of the original, so that places of them
            no longer hold.
    """
    import tifffile

    bands = pixels.shape[-1]
    extras = ["unspecified"] * (bands - (3 if told.colour else 1))
    if alpha is not None:
        pixels = np.concatenate([pixels, alpha[..., np.newaxis]], axis=-1)
        extras.append("unassalpha")
    options = dict(told.options)
    options["extratags"] = [*options["extratags"], *(() if enlarged else told.places)]
    tifffile.imwrite(
        path,
        pixels if pixels.shape[-1] > 1 else pixels[..., 0],
        photometric="rgb" if told.colour else "minisblack",
        planarconfig="contig" if pixels.shape[-1] > 1 else None,
        extrasamples=extras or None,
        metadata=None,
        **options,
    )
