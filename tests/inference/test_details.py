import json

import pytest

from keras_ms.inference import details
from keras_ms.inference.details import Details

WHOLE = {"scale": 2, "receptive_field": 8, "conditional": False, "output": "image"}


def stored(folder, text):
    path = folder / details.PLACE
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else json.dumps(text).encode())


def test_what_was_written_is_read(tmp_path):
    colours = ("#000000", "#ff0000")
    of_classes = Details(1, None, True, "raw", colours)
    for told in (Details(2, 8, False, "image"), Details(1, None, True, "raw"), of_classes):
        details.write(tmp_path, told)
        assert details.read(tmp_path) == told


def test_older_files_are_read(tmp_path):
    stored(tmp_path, {"task": "denoising", "scale": 1, "reach": 8, "conditional": False})
    assert details.read(tmp_path) == Details(1, 8, False, "image")


WRONG = {
    "scale": [0, -1, 100_000, 1.0, "2", [2], None, True, 10**30, float("nan")],
    "receptive_field": [-1, 512, 10**9, 8.0, "8", [8], False, {}],
    "conditional": [0, 1, "false", None, []],
    "classes": [
        3,
        "",
        [],
        ["#000000"],
        ["#000000", "red"],
        ["#000000", "#0000zz"],
        {},
        [[0] * 3] * 2,
    ],
    "output": ["pictures", "", None, 3, ["image"], {}],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in WRONG.items() for v in vs])
def test_values_that_cannot_be_are_named(name, value, tmp_path):
    stored(tmp_path, {**WHOLE, name: value})
    with pytest.raises(ValueError, match=rf"restoration\.json' \('{name}' is .*, not "):
        details.read(tmp_path)


@pytest.mark.parametrize("name", ["scale", "receptive_field", "conditional"])
def test_what_is_missing_is_named(name, tmp_path):
    stored(tmp_path, {key: value for key, value in WHOLE.items() if key != name})
    with pytest.raises(ValueError, match=f"'{name}' is missing, which is"):
        details.read(tmp_path)


def test_classes_of_a_model_of_pictures_are_refused(tmp_path):
    stored(tmp_path, {**WHOLE, "classes": ["#000000", "#ff0000"]})
    with pytest.raises(ValueError, match=r"'classes' are of .* scores, but 'output' is 'image'"):
        details.read(tmp_path)


BROKEN = {
    "empty": b"",
    "cut off": b'{"scale": 1,',
    "no text": b"\xff\xfe\x00",
    "a list": [1, 8, False],
    "a number": 3,
    "nothing": None,
    "nested": b"[" * 20_000,
    "endless": b"9" * 10_000,
    "long": b" " * 2**20,
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_object_is_refused(case, tmp_path):
    stored(tmp_path, BROKEN[case])
    with pytest.raises(ValueError, match=r"makes no sense.*Export the model again"):
        details.read(tmp_path)
