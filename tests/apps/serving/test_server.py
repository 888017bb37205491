"""`apps.restore --serve` over HTTP, as a browser asks."""

import http.client
import io
import json
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image
from served import MODELS, SLOW, SMALL_TILES, as_file, inverted, pixels, served

from apps.experiment import one_picture
from apps.serving.workshop import KEPT


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    with served(folder, max_megapixels=0.1, max_megabytes=0.2) as found:
        yield found


def sixteen_bits():
    return bytes(tf.io.encode_png(pixels(dtype="uint16")).numpy())


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return as_file(pixels(), "JPEG", exif=exif)


def transparent():
    return as_file(Image.fromarray(pixels(bands=4)))


def five_bands():
    content = io.BytesIO()
    tifffile.imwrite(content, pixels(bands=5), photometric="minisblack")
    return content.getvalue()


def test_the_page_is_whole_and_takes_nothing_from_elsewhere(page):
    status, headers, html = page.ask("/")
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    for name in ("page.js", "page.css"):
        assert f'"{name}"'.encode() in html
        status, _, content = page.ask(f"/{name}")
        assert status == 200
        assert b"://" not in content
    assert b"://" not in html


def test_the_page_is_told_models_and_limits(page):
    about = json.loads(page.ask("/about")[2])
    assert [model["name"] for model in about["models"]] == list(MODELS)
    assert [model["conditional"] for model in about["models"]] == [False, False, True, False]
    assert about["models"][1]["scale"] == 2
    assert (about["max_bytes"], about["max_megapixels"]) == (200_000, 0.1)


@pytest.mark.parametrize("make", [sixteen_bits, turned, transparent])
@pytest.mark.parametrize("model", ["invert", "double"])
def test_results_are_the_files_that_the_command_writes(page, tmp_path, make, model):
    (tmp_path / "picture").write_bytes(make())
    how = one_picture.How(MODELS[model], SMALL_TILES)
    one_picture.restore(how, tmp_path / "picture", tmp_path / "restored")
    told = page.restore(make(), model)
    assert page.part(told, "restored") == (tmp_path / "restored").read_bytes()
    assert not page.left()


def test_before_and_after_are_shown_upright_in_8_bits(page):
    told = page.restore(turned())
    assert told["before"] == told["after"] == {"width": 20, "height": 30, "block": 1}
    for name in ("before.png", "after.png"):
        image = Image.open(io.BytesIO(page.part(told, name)))
        assert (image.size, image.mode, image.format) == ((20, 30), "RGB", "PNG")
    told = page.restore(sixteen_bits())
    before, after = (
        np.asarray(Image.open(io.BytesIO(page.part(told, name))), int)
        for name in ("before.png", "after.png")
    )
    np.testing.assert_allclose(before, pixels(dtype="uint16") / 257, atol=0.51)
    np.testing.assert_allclose(before + after, 255, atol=1)


def test_a_model_that_is_told_the_noise_level_gets_it(page):
    (status, reason) = page.restore(as_file(pixels()), "told")
    assert (status, reason) == (400, "This model is told the noise level: give t.")
    told = page.restore(as_file(pixels()), "told", "&noise_level=0.3")
    restored = Image.open(io.BytesIO(page.part(told, "restored")))
    np.testing.assert_array_equal(np.asarray(restored), inverted(pixels()))


BAD = {
    "text": (lambda: b"no picture", 400, "cannot be read as a picture"),
    "cut": (lambda: as_file(pixels())[:200], 400, "cannot be read as a picture"),
    "empty": (lambda: b"", 400, "This file is empty"),
    "unseen": (lambda: as_file(Image.new("RGBA", (8, 8))), 400, "all its pixels are transparent"),
    "film": (
        lambda: as_file(
            Image.new("L", (8, 8)),
            "GIF",
            save_all=True,
            append_images=[Image.new("L", (8, 8), 255)],
        ),
        400,
        "2 frames",
    ),
    "bands": (five_bands, 400, "This picture: has 5 bands, the model takes 3."),
    "many pixels": (lambda: as_file(Image.new("L", (400, 300))), 400, "--max_megapixels"),
    "many bytes": (lambda: bytes(200_001), 413, "more than 0.2 MB"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_are_refused_in_words_and_leave_nothing(page, kind):
    make, wanted, words = BAD[kind]
    status, reason = page.restore(make())
    assert status == wanted
    assert words in reason
    assert str(page.folder) not in reason
    assert "\n" not in reason
    assert not page.left()


def test_a_body_that_does_not_say_its_length_is_bounded_too(page):
    chunks = iter([bytes(100_000)] * 3)
    status, _, reason = page.ask("/restore?model=invert", chunks)
    assert status == 413
    assert b"more than 0.2 MB" in reason
    assert not page.left()


@pytest.mark.parametrize("query", ["", "model=", "model=/etc", "model=invert&noise_level=0.5"])
def test_only_models_of_the_page_are_used(page, query):
    status, _, reason = page.ask(f"/restore?{query}", as_file(pixels()))
    assert status == 400
    assert b"model" in reason


@pytest.mark.parametrize("level", ["nan", "inf", "a"])
def test_noise_levels_are_numbers(page, level):
    status, _ = page.restore(as_file(pixels()), "told", f"&noise_level={level}")
    assert status == 400


def test_other_sites_are_turned_away(page):
    picture = as_file(pixels())
    for origin in ("http://example.com", "null", "http://127.0.0.1"):
        status, _, _ = page.ask("/restore?model=invert", picture, {"Origin": origin})
        assert status == 403
    own = {"Origin": page.address}
    assert page.ask("/restore?model=invert", picture, own)[0] == 200
    for host in ("example.com", "example.com:8000"):  # whose name leads to this machine
        assert page.ask("/about", headers={"Host": host})[0] == 400


@pytest.mark.parametrize(
    "path",
    ["/results/a/restored", "/results/{}/upload", "/results/{}/..%2f..%2fx", "/..%2fserver.py"],
)
def test_nothing_but_results_is_given(page, path):
    told = page.restore(as_file(pixels()))
    assert page.ask(path.format(told["result"]))[0] == 404
    assert page.ask(f"/results/{told['result']}/restored")[0] == 200


def test_results_are_downloads_that_no_browser_runs(page):
    told = page.restore(as_file(pixels()))
    _, headers, _ = page.ask(f"/results/{told['result']}/restored")
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == "attachment"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_only_the_last_results_are_kept(page):
    told = [page.restore(as_file(pixels(seed=seed))) for seed in range(KEPT + 1)]
    assert page.ask(f"/results/{told[0]['result']}/restored")[0] == 404
    assert page.ask(f"/results/{told[1]['result']}/restored")[0] == 200
    assert len(list(page.folder.iterdir())) == KEPT


def begin_slowly(page):
    """Sends a picture of a thousand tiles; returns the connection."""
    SLOW.begun.clear()
    SLOW.tiles = 0
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=60)
    connection.request("POST", "/restore?model=slow", as_file(Image.new("L", (1000, 1000))))
    assert SLOW.begun.wait(60)
    return connection


def wait_until(holds):
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def another_page(tmp_path):
    with served(tmp_path) as found:
        yield found


def test_a_picture_that_nobody_waits_for_is_given_up(another_page):
    begin_slowly(another_page).close()
    wait_until(lambda: not any(another_page.folder.iterdir()))
    tiles = SLOW.tiles
    assert 0 < tiles < 800
    assert another_page.restore(as_file(pixels()))["seconds"] >= 0


def test_the_end_of_the_server_gives_up_what_it_is_at(another_page):
    connection = begin_slowly(another_page)
    another_page.server.should_exit = True
    answer = connection.getresponse()
    assert answer.status == 503
    assert b"given up" in answer.read()
    connection.close()
    assert not any(another_page.folder.iterdir())


def test_no_more_than_some_pictures_wait(another_page, monkeypatch):
    monkeypatch.setattr("apps.serving.server.MOST_AT_ONCE", 1)
    connection = begin_slowly(another_page)
    status, reason = another_page.restore(as_file(pixels()))
    assert (status, reason.split(".")[0]) == (503, "Too many pictures wait already")
    connection.close()


def test_pictures_are_restored_one_after_another(another_page):
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(another_page.restore(as_file(pixels()))))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({told["result"] for told in answers}) == 3
