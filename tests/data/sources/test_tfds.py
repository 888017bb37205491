"""TFDS's own stl10 and celeb_a builders on tiny files in the formats that the real ones have."""

import io
import itertools
import tarfile
import zipfile

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image
from tensorflow_datasets.core import download

from keras_ms import data
from keras_ms.tasks import Denoising

# Images are known by the grey of their top left corner.
STL10 = {"train": (10, 20, 30), "test": (40, 50), "unlabeled": (60, 70, 80, 90)}
CELEB_A = {0: (10, 20, 30), 1: (40, 50), 2: (60,)}


def asymmetric(grey, rows, columns):
    """Brighter downwards in red, to the right in green; `grey` in blue and at the top left."""
    image = np.full((rows, columns, 3), grey, np.uint8)
    image[:, :, 0] += (np.arange(rows) // 2).astype(np.uint8)[:, None]
    image[:, :, 1] += (np.arange(columns) // 4).astype(np.uint8)
    return image


def greys(images):
    return sorted(int(image[0, 0, 2]) for image in images)


def add(archive, name, content):
    member = tarfile.TarInfo(f"stl10_binary/{name}")
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def write_stl10(directory):
    """As on disk: images one after another, channel by channel, each column by column."""
    with tarfile.open(directory / "stl10_binary.tar.gz", "w:gz") as archive:
        for split, levels in STL10.items():
            images = np.stack([asymmetric(grey, 96, 96) for grey in levels])
            add(archive, f"{split}_X.bin", images.transpose(0, 3, 2, 1).tobytes())
            if split != "unlabeled":
                add(archive, f"{split}_y.bin", bytes(range(1, len(levels) + 1)))
        add(archive, "class_names.txt", "".join(f"class {k}\n" for k in range(10)).encode())


def write_celeb_a(directory):
    parts = [(grey, part) for part, levels in CELEB_A.items() for grey in levels]
    files = [f"{index:06}.jpg" for index in range(1, len(parts) + 1)]
    with zipfile.ZipFile(directory / "img_align_celeba.zip", "w") as archive:
        for file, (grey, _) in zip(files, parts, strict=True):
            encoded = io.BytesIO()
            Image.fromarray(asymmetric(grey, 218, 178)).save(encoded, "JPEG", quality=98)
            archive.writestr(f"img_align_celeba/{file}", encoded.getvalue())
    builder = tfds.builder_cls("celeb_a")(data_dir=directory)
    attributes = list(builder.info.features["attributes"])
    landmarks = list(builder.info.features["landmarks"])

    def table(name, rows, head=()):
        lines = [*head, *(f"{file} {row}" for file, row in zip(files, rows, strict=True))]
        (directory / name).write_text("".join(f"{line}\n" for line in lines))

    count = str(len(files))
    table("list_eval_partition.txt", [part for _, part in parts])
    table("identity_CelebA.txt", range(len(files)))
    signs = " ".join(["-1", " 1"] * (len(attributes) // 2))
    table("list_attr_celeba.txt", [signs] * len(files), (count, " ".join(attributes)))
    places = " ".join(map(str, range(len(landmarks))))
    table("list_landmarks_align_celeba.txt", [places] * len(files), (count, " ".join(landmarks)))


def let_tfds_take(monkeypatch, name, directory):
    """Registers the checksums of the tiny files instead of the real ones' under the same URLs."""
    builder = tfds.builder_cls(name)
    known = {
        url: download.checksums.compute_url_info(directory / info.filename)
        for url, info in builder.url_infos.items()
    }
    monkeypatch.setattr(builder, "url_infos", known)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Both data sets, prepared by TFDS from files put where a user without network puts them."""
    root = tmp_path_factory.mktemp("data")
    manual = root / "downloads" / "manual"
    manual.mkdir(parents=True)
    write_stl10(manual)
    write_celeb_a(manual)
    with pytest.MonkeyPatch.context() as monkeypatch:
        let_tfds_take(monkeypatch, "stl10", manual)
        let_tfds_take(monkeypatch, "celeb_a", manual)
        data.stl10("validation", data_dir=root)
        data.celeb_a("validation", data_dir=root)
    return root


@pytest.mark.parametrize(
    ("split", "levels"),
    [("train", STL10["train"] + STL10["unlabeled"]), ("validation", STL10["test"])],
)
def test_stl10_has_the_papers_splits_and_its_pixels_upright(prepared, split, levels):
    images = data.stl10(split, data_dir=prepared, image_size=None)
    assert greys(images) == list(levels)
    for image in images:
        np.testing.assert_array_equal(image, asymmetric(image[0, 0, 2], 96, 96))


@pytest.mark.parametrize(("split", "part"), [("train", 0), ("validation", 1)])
def test_celeb_a_has_its_own_splits_and_its_pixels_upright(prepared, split, part):
    images = data.celeb_a(split, data_dir=str(prepared), image_size=None)
    found = [int(np.median(image[..., 2]) / 10.0 + 0.5) * 10 for image in images]
    assert sorted(found) == list(CELEB_A[part])
    for grey, image in zip(found, images, strict=True):
        assert image.shape == (218, 178, 3)
        wanted = asymmetric(grey, 218, 178).astype(int)
        assert np.abs(image - wanted).mean() < 2.0  # JPEG
        assert np.abs(image[::-1] - wanted).mean() > 10.0
        assert np.abs(image[:, ::-1] - wanted).mean() > 5.0


@pytest.mark.parametrize("load", [data.stl10, data.celeb_a])
def test_images_are_resized_whole_to_the_papers_size(prepared, load):
    for image, original in zip(
        load(data_dir=prepared), load(data_dir=prepared, image_size=None), strict=True
    ):
        assert (image.shape, image.dtype) == ((128, 128, 3), np.uint8)
        for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
            np.testing.assert_allclose(image[corner], original[corner], atol=4)


def test_resizing_is_bilinear_and_rounds(prepared):
    (image,) = data.stl10("validation", data_dir=prepared, limit=1)
    (original,) = data.stl10("validation", data_dir=prepared, limit=1, image_size=None)
    pillow = Image.fromarray(original).resize((128, 128), Image.Resampling.BILINEAR)
    assert np.abs(np.asarray(pillow).astype(int) - image).max() <= 1
    smaller = data.stl10("validation", data_dir=prepared, limit=1, image_size=24)[0]
    blocks = original.reshape(24, 4, 24, 4, 3).mean((1, 3))
    assert np.abs(blocks - smaller)[1:-1, 1:-1].max() <= 1.0


def test_limit_takes_the_first_images(prepared):
    every = data.stl10(data_dir=prepared, image_size=None)
    for limit in (1, 5, 100):
        some = data.stl10(data_dir=prepared, image_size=None, limit=limit)
        assert len(some) == min(limit, 7)
        np.testing.assert_array_equal(some, every[:limit])


@pytest.mark.parametrize("name", ["stl10", "celeb_a"])
def test_sources_load_what_a_multiscale_dataset_takes(prepared, name):
    source = data.sources.get(name)
    kept, held_out = (source.load(split, prepared, None) for split in ("train", "validation"))
    for image, other in itertools.product(kept, held_out):
        assert np.abs(image.astype(int) - other).mean() > 5.0
    dataset = data.MultiscaleDataset(
        kept, Denoising(), (1, 2), 128, steps_per_epoch=1, mean=source.mean, std=source.std
    )
    assert next(iter(dataset.stage())).fine[0][1].shape == (1, 128, 128, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "test"}, r"Received: split='test'. Use one of \('train', 'validation'\)"),
        ({"limit": 0}, "Received: limit=0"),
        ({"limit": 1.5}, "Received: limit=1.5"),
        ({"image_size": -1}, "Received: image_size=-1"),
    ],
)
def test_senseless_arguments_are_refused(prepared, options, message):
    with pytest.raises(ValueError, match=message):
        data.stl10(**{"data_dir": prepared, **options})


@pytest.fixture
def offline(monkeypatch):
    def refuse(*_, **__):
        raise ConnectionError("no network")

    monkeypatch.setattr(download.DownloadManager, "_download", refuse)


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("stl10", ["stl10_binary.tar.gz"]),
        ("celeb_a", ["img_align_celeba.zip", "list_eval_partition.txt", "identity_CelebA.txt"]),
    ],
)
def test_without_data_and_network_the_message_says_what_to_put_where(
    tmp_path, offline, name, files
):
    load = getattr(data, name)
    with pytest.raises(ValueError, match="could not be: no network") as error:
        load(data_dir=tmp_path)
    manual = tmp_path / "downloads" / "manual"
    for part in (f"data_dir='{tmp_path}', manual_dir=None", f"{tmp_path / name}", str(manual)):
        assert part in str(error.value)
    assert all(file in str(error.value) for file in files)
    with pytest.raises(ValueError, match=r"manual_dir='elsewhere'\. .*directory elsewhere\."):
        load(data_dir=tmp_path, manual_dir="elsewhere")


def test_a_damaged_archive_is_told_by_its_checksum(tmp_path):
    write_stl10(tmp_path)
    with pytest.raises(ValueError, match=r"(?s)'stl10' is not prepared.*wrong checksum"):
        data.stl10(data_dir=tmp_path / "data", manual_dir=tmp_path)


def test_sources_are_found_by_name(tmp_path):
    ours = {"celeb_a": 1, "folder": 1, "photos": 1, "stl10": 3, "urban100": 1}
    assert set(ours) <= set(data.sources.names())
    with pytest.raises(ValueError, match=r"Received: dataset='mnist'.*'photos'"):
        data.sources.get("mnist")
    for name, channels in ours.items():
        source = data.sources.get(name)
        assert len(source.mean) == len(source.std) == channels
    assert len(data.sources.get("photos").load("train", None, 2)) == 2
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "b.png")
    assert len(data.sources.get("folder").load("validation", tmp_path, 2)) == 1


@pytest.mark.parametrize(
    ("name", "data_dir", "limit", "message"),
    [
        ("photos", "pictures", None, "Received: data_dir='pictures'"),
        ("photos", None, 0, "Received: limit=0"),
        ("folder", None, None, "Received: data_dir=None"),
        ("folder", "pictures", 0, "Received: limit=0"),
    ],
)
def test_sources_refuse_a_folder_where_there_is_none(name, data_dir, limit, message):
    with pytest.raises(ValueError, match=message):
        data.sources.get(name).load("train", data_dir, limit)


def test_stl10_is_enlarged_by_nearest_neighbours_too(prepared):
    options = {"data_dir": prepared, "limit": 1}
    (original,) = data.stl10("validation", image_size=None, **options)
    (large,) = data.stl10("validation", image_size=192, interpolation="nearest", **options)
    np.testing.assert_array_equal(large, original.repeat(2, 0).repeat(2, 1))
    with pytest.raises(ValueError, match="Received: interpolation='cubic'"):
        data.stl10("validation", interpolation="cubic", **options)
