import numpy as np
import pytest

from keras_ms.data import pyramid, slabs
from keras_ms.data.cutting import _coarser


@pytest.mark.parametrize(("rows", "multiple"), [(10, 4), (8, 8), (3, 2), (1, 1), (7, 16)])
def test_slabs_are_the_array_in_parts_of_whole_multiples(rows, multiple):
    array = np.arange(rows * 6).reshape(rows, 6)
    parts = list(slabs.slabs(array, multiple, most_bytes=6 * 4 * 3))
    np.testing.assert_array_equal(np.concatenate(parts), array)
    assert all(len(part) % multiple == 0 for part in parts[:-1])
    assert all(part.nbytes <= max(3, multiple) * 6 * 8 for part in parts)


@pytest.fixture
def thin(monkeypatch):
    """Slabs of a few rows, as those of pictures of gigabytes."""

    def thin_slabs(array, multiple, most_bytes=0):
        return slabs.slabs(array, multiple, most_bytes=1)

    monkeypatch.setattr("keras_ms.data.pyramid.slabs", thin_slabs)
    monkeypatch.setattr("keras_ms.data.cutting.slabs", thin_slabs)


IMAGES = [np.random.default_rng(0).integers(0, 256, (37, 21, 3)).astype(np.uint8) for _ in range(2)]


def pixels():
    store = pyramid.PyramidStore(IMAGES, 2, (8, 8), cache_bytes=3000)
    return [np.asarray(level._pixels) for level in store._levels]


def test_levels_made_in_slabs_are_the_same(request):
    whole = pixels()
    request.getfixturevalue("thin")
    for thin, at_once in zip(pixels(), whole, strict=True):
        np.testing.assert_array_equal(thin, at_once)


@pytest.mark.parametrize("name", ["average", "stride", "plurality"])
@pytest.mark.parametrize("axes", [(0, 1), (1,)])
def test_fields_of_pairs_coarsened_in_slabs_are_the_same(name, axes, request):
    fields = IMAGES[0], IMAGES[0][..., 0].astype(np.float32)
    whole = [_coarser(name, axes, field.ndim == 3, field) for field in fields]
    request.getfixturevalue("thin")
    for field, at_once in zip(fields, whole, strict=True):
        np.testing.assert_array_equal(_coarser(name, axes, field.ndim == 3, field), at_once)
