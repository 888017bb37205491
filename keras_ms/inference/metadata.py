"""What accompanies the pixels of a picture file, as far as it can be written again.

What cannot be, because it is damaged or of no format that is written, is left out with a note.
"""

from __future__ import annotations

import io
import math
import os
import zlib
from typing import Any, NamedTuple

from PIL import ExifTags, Image

from keras_ms.data.sources import jpeg_segments, pillow_reader, png_chunks
from keras_ms.data.sources.stored import MAX_MEGAPIXELS

Path = str | os.PathLike[str]

LOSSY = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95},
    "AVIF": {"quality": 95},
}
RECOLOURED = ("CMYK", "YCbCr", "LAB", "HSV")  # converted to RGB, which their profile is not of
WITH_EXIF = ("JPEG", "WEBP", "AVIF")
KEPT_CHUNKS = (
    *(b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"mDCV", b"mDCv", b"cLLI", b"cLLi"),
    *(b"pHYs", b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"),
)
KEPT_SEGMENTS = (0xED, jpeg_segments.COMMENT)  # IPTC, comments
XMP = b"http://ns.adobe.com/"
READABLE = 2**20  # bytes of text or profile that other readers take
# What pixels do not depend on: in TIFF files the same directory also describes the pixels.
KEPT_TAGS = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.XResolution,
    ExifTags.Base.YResolution,
    ExifTags.Base.ResolutionUnit,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)
DIRECTORIES = {ExifTags.IFD.Exif: ExifTags.TAGS, ExifTags.IFD.GPSInfo: ExifTags.GPSTAGS}


class Metadata(NamedTuple):
    """What accompanies the pixels of a file.

    Attributes:
        saving: Options of Pillow's `save`: format, quality, EXIF, colour profile, resolution.
        parts: PNG chunks by name, or JPEG segments by marker, to be written as they are.
        notes: What is left out, and why.
    """

    saving: dict[str, Any]
    parts: tuple[tuple[Any, bytes], ...] = ()
    notes: tuple[str, ...] = ()


def metadata(path: Path, kind: str, max_megapixels: float = MAX_MEGAPIXELS) -> Metadata:
    """What accompanies the pixels of a file of Pillow's format `kind`."""
    notes: list[str] = []
    if kind == "PNG":
        return Metadata({"format": kind}, tuple(_chunks(path, notes)), tuple(dict.fromkeys(notes)))
    saving: dict[str, Any] = {"format": kind, **LOSSY.get(kind, {})}
    if kind == "WEBP" and _lossless(path):
        saving = {"format": kind, "lossless": True}
    info, mode = pillow_reader.opened(
        path, lambda image: (dict(image.info), image.mode), max_megapixels, load=False
    )
    saving |= _profile(info, mode, notes)
    if kind in WITH_EXIF:
        kept = _kept_exif(pillow_reader.exif(path), pillow_reader.orientation(path), notes)
        saving |= {"exif": kept.tobytes()} if len(kept) else {}
    if kind == "JPEG":
        saving |= _resolution(info, notes)
        return Metadata(saving, tuple(_segments(path, notes)), tuple(dict.fromkeys(notes)))
    if info.get("xmp") and kind in WITH_EXIF:
        saving["xmp"] = info["xmp"]
    return Metadata(saving, (), tuple(notes))


def _profile(info: dict[Any, Any], mode: str, notes: list[str]) -> dict[str, Any]:
    if not info.get("icc_profile"):
        return {}
    if mode in RECOLOURED:
        notes.append(f"the colour profile, which is of {mode}")
        return {}
    return {"icc_profile": info["icc_profile"]}


def _resolution(info: dict[Any, Any], notes: list[str]) -> dict[str, Any]:
    if "dpi" not in info:
        return {}
    try:
        if all(0 < float(value) < 65535 and math.isfinite(value) for value in info["dpi"]):
            return {"dpi": tuple(float(value) for value in info["dpi"])}
    except (TypeError, ValueError):
        pass  # no numbers: told as those that are out of range
    notes.append(f"the resolution {info['dpi']}")
    return {}


def _kept_exif(found: Image.Exif, orientation: int, notes: list[str]) -> Image.Exif:
    kept = Image.Exif()
    if orientation != 1:  # as a whole number, whatever it was written as
        kept[ExifTags.Base.Orientation] = orientation
    elif found.get(ExifTags.Base.Orientation, 1) != 1:
        notes.append("EXIF Orientation")
    for tag in KEPT_TAGS:
        if tag in found:
            _keep(kept, tag, found[tag], f"EXIF {tag.name}", notes)
    for directory, names_of in DIRECTORIES.items():
        try:
            entries = dict(found.get_ifd(directory))
        except Exception:  # damaged directories fail in many ways
            notes.append(f"EXIF {directory.name}")
            continue
        if inner := _kept_entries(entries, names_of, notes):
            kept[directory] = inner
    return kept


def _kept_entries(
    entries: dict[int, Any], names: dict[int, str], notes: list[str]
) -> dict[int, Any]:
    kept = Image.Exif()
    for tag, value in entries.items():
        _keep(kept, tag, value, f"EXIF {names.get(tag, tag)}", notes)
    return dict(kept)


def _keep(kept: Image.Exif, tag: int, value: Any, name: str, notes: list[str]) -> None:
    """Adds one tag, if Pillow can write it and read it again."""
    alone = Image.Exif()
    alone[tag] = value
    try:
        again = Image.Exif()
        again.load(alone.tobytes())
        dict(again)
    except Exception:  # each type of value fails in a way of its own
        notes.append(name)
        return
    kept[tag] = value


def _chunks(path: Path, notes: list[str]) -> list[tuple[bytes, bytes]]:
    kept: list[tuple[bytes, bytes]] = []
    for name, content, checksum in png_chunks.chunks(path, (b"IDAT",)):
        if name in png_chunks.OF_PIXELS:
            continue
        reason = _reason(name, content, checksum)
        if reason is None and not _readable([*kept, (name, content)]):
            reason = "that other readers refuse"
        if reason is None:
            kept.append((name, content))
        else:
            notes.append(f"PNG {name.decode('latin-1')} ({reason})")
    return kept


def _readable(chunks: list[tuple[bytes, bytes]]) -> bool:
    """Whether Pillow opens a file of these chunks."""
    tiny = io.BytesIO()
    Image.new("L", (1, 1)).save(tiny, "PNG")
    try:
        with Image.open(io.BytesIO(png_chunks.inserted(tiny.getvalue(), chunks))) as image:
            image.load()
            image.getexif()
    except Exception:  # each chunk fails in a way of its own
        return False
    return True


def _reason(name: bytes, content: bytes, checksum: bytes) -> str | None:
    """Why a chunk is left out, if it is."""
    if name not in KEPT_CHUNKS:
        return "of these pixels"
    if zlib.crc32(name + content).to_bytes(4, "big") != checksum:
        return "damaged"
    if name == b"eXIf":
        return None if _readable_exif(content) else "damaged"
    packed = _packed(name, content)
    if packed is None:
        return None if len(content) <= READABLE else "larger than other readers take"
    try:
        unpacker = zlib.decompressobj()
        unpacker.decompress(packed, READABLE)
    except zlib.error:
        return "damaged"
    return "larger than other readers take" if unpacker.unconsumed_tail else None


def _packed(name: bytes, content: bytes) -> bytes | None:
    """The compressed part of a chunk, if it has one."""
    if name not in (b"iCCP", b"zTXt", b"iTXt"):
        return None
    rest = content.partition(b"\0")[2]
    if name != b"iTXt":
        return rest[1:]
    return rest[2:].split(b"\0", 2)[-1] if rest[:1] == b"\1" else None


def _readable_exif(content: bytes) -> bool:
    found = Image.Exif()
    try:
        found.load(b"Exif\0\0" + content)
        dict(found)
    except Exception:  # damaged ones fail in many ways
        return False
    return True


def _segments(path: Path, notes: list[str]) -> list[tuple[int, bytes]]:
    kept = []
    for marker, content in jpeg_segments.accompanying(path):
        if marker in KEPT_SEGMENTS or (marker == 0xE1 and content.startswith(XMP)):
            kept.append((marker, content))
        elif not _written_by_pillow(marker, content):
            name = content[:4].decode("latin-1").strip("\0")
            notes.append(f"JPEG APP{marker - 0xE0} {name!r}")
    return kept


def _written_by_pillow(marker: int, content: bytes) -> bool:
    starts = {0xE1: jpeg_segments.EXIF, 0xE2: b"ICC_PROFILE"}
    return marker in jpeg_segments.OF_PIXELS or content.startswith(starts.get(marker, b"\0none"))


def _lossless(path: Path) -> bool:
    """Whether a WebP file's image chunk is the lossless one, which Pillow does not tell."""
    with open(path, "rb") as file:
        webp = io.BytesIO(file.read())
    webp.seek(12)
    while len(start := webp.read(8)) == 8:
        if start[:4] in (b"VP8L", b"VP8 "):
            return start[:4] == b"VP8L"
        length = int.from_bytes(start[4:], "little")
        webp.seek(length + length % 2, os.SEEK_CUR)
    return False
