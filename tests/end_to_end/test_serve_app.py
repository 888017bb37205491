"""`python -m apps.restore --serve`, run and ended as a user does."""

import contextlib
import http.client
import importlib.util
import io
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from apps.restore import RestoreSettings
from apps.serving import app
from keras_ms import inference

needs_libraries = pytest.mark.skipif(
    importlib.util.find_spec("uvicorn") is None, reason="keras-ms[serve] is not installed"
)
ROOT = pathlib.Path(__file__).parents[2]
NOISY = np.random.default_rng(0).normal(128.0, 30.0, (40, 60, 3)).clip(0, 255).astype(np.uint8)


@contextlib.contextmanager
def started(tmp_path, *options):
    """The command, and the port of its page."""
    command = [sys.executable, "-m", "apps.restore", "--serve", "--port=0", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "temporary")}
    for name in ("temporary", "here"):
        (tmp_path / name).mkdir()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=tmp_path / "here", env=environment
    )
    try:
        line = process.stdout.readline()
        yield process, int(re.search(r"http://127\.0\.0\.1:(\d+)", line)[1])
    finally:
        process.kill()
        process.wait()


def ask(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    with contextlib.closing(connection):
        connection.request(method, path, body)
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read()


@needs_libraries
def test_a_picture_is_restored_and_nothing_is_left_behind(tmp_path):
    content = io.BytesIO()
    Image.fromarray(NOISY).save(content, "PNG")
    with started(tmp_path) as (process, port):
        about = json.loads(ask(port, "GET", "/about"))
        assert [model["name"] for model in about["models"]] == list(inference.names())
        told = json.loads(ask(port, "POST", "/restore?model=denoising", content.getvalue()))
        restored = ask(port, "GET", f"/results/{told['result']}/restored")
        (folder,) = (tmp_path / "temporary").iterdir()
        assert folder.stat().st_mode & 0o077 == 0  # nobody else's
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM
    wanted = inference.restore(inference.load("denoising"), NOISY)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(restored))), wanted)
    assert not any((tmp_path / "temporary").iterdir())
    assert not any((tmp_path / "here").iterdir())


@needs_libraries
def test_ctrl_c_ends_it_in_peace(tmp_path):
    code = (
        # Which a shell's background jobs ignore, and so what they start.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from apps import restore; from apps.serving import app; app.offered = lambda *_: {}; "
        "app.run(restore.RestoreSettings(serve=True, port=0))"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
    ) as process:
        assert "Ctrl-C ends it" in process.stdout.readline()
        assert any(tmp_path.iterdir())
        process.send_signal(signal.SIGINT)
        try:
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()  # else a server that goes on is waited for without end
    assert process.returncode == 0
    assert "Traceback" not in said
    assert not any(tmp_path.iterdir())


@needs_libraries
def test_a_busy_port_is_named_before_anything_is_loaded(monkeypatch):
    monkeypatch.setattr(app, "offered", None)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ValueError, match=rf"The port is in use. Received: --port={port}"):
            app.run(RestoreSettings(serve=True, port=port))


def test_missing_libraries_are_named_with_what_to_install(monkeypatch):
    monkeypatch.setattr(app.importlib.util, "find_spec", lambda *_: None)
    with pytest.raises(ValueError, match=r'starlette and uvicorn.*pip install "keras-ms\[serve\]"'):
        app.run(RestoreSettings(serve=True))


def test_a_noise_level_that_no_model_takes_is_refused(monkeypatch):
    from apps.experiment import one_picture

    loaded = inference.Restorer(lambda pictures: pictures, receptive_field=8)
    monkeypatch.setattr(one_picture, "load", lambda *_: loaded)
    with pytest.raises(ValueError, match=r"None of the models is told the noise level"):
        app.offered(RestoreSettings(serve=True, noise_level=0.5))
    with pytest.raises(ValueError, match=r"Received: --max_pixels=9215"):
        app.offered(RestoreSettings(serve=True, max_pixels=9215))
    hows = app.offered(RestoreSettings(serve=True, model="my_model"))
    assert list(hows) == ["my_model", *inference.names()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"serve": True, "input": "a.png"}, r"from the page.*Received: --input=a.png"),
        ({"serve": True, "compare": "a"}, r"Received: --compare=a"),
        ({"port": 0, "model": "a", "input": "a", "output": "b"}, r"Only --serve.*--port=0"),
        ({"serve": True, "port": 65536}, r"Received: --port=65536"),
        ({"serve": True, "port": -1}, r"Received: --port=-1"),
        ({"serve": True, "max_megabytes": 0.0}, r"--max_megabytes must be positive"),
        ({"serve": True, "max_megapixels": -1.0}, r"--max_megapixels must be positive"),
    ],
)
def test_senseless_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        RestoreSettings(**options)
