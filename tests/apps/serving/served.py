"""The page served by a thread of this process, on models that cost nothing."""

import contextlib
import http.client
import io
import json
import threading
import time

import numpy as np
import pytest
from PIL import Image

from apps.restore import RestoreSettings
from apps.serving import app
from apps.serving.workshop import Workshop
from keras_ms import inference
from keras_ms.data.sources.stored import full


def inverted(pictures, *_):
    return (full(pictures.dtype) - pictures).astype(pictures.dtype)


def doubled(pictures):
    return inverted(pictures).repeat(2, axis=1).repeat(2, axis=2)


class Slow:
    """A model of so many small tiles that nobody waits for its end."""

    def __init__(self):
        self.begun, self.tiles = threading.Event(), 0

    def __call__(self, pictures):
        self.tiles += 1
        self.begun.set()
        time.sleep(0.05)
        return pictures


SLOW = Slow()
SMALL_TILES = 96**2
MODELS = {
    "invert": inference.Restorer(inverted, receptive_field=8),
    "double": inference.Restorer(doubled, scale=2, receptive_field=8),
    "told": inference.Restorer(inverted, receptive_field=8, conditional=True),
    "slow": inference.Restorer(SLOW, receptive_field=8),
}


class Page:
    """What a browser would see."""

    def __init__(self, port, folder, server):
        self.port, self.folder, self.server = port, folder, server
        self.address = f"http://127.0.0.1:{port}"

    def ask(self, path, body=None, headers=None):
        """Status, headers and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        method = "GET" if body is None else "POST"
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def restore(self, body, model="invert", more=""):
        """What the page is told of a file, or its status and the reason why not."""
        status, _, text = self.ask(f"/restore?model={model}{more}", body)
        return json.loads(text) if status == 200 else (status, text.decode())

    def part(self, told, name):
        status, _, content = self.ask(f"/results/{told['result']}/{name}")
        assert status == 200
        return content

    def left(self):
        """Files in the folder, other than those of results that are kept."""
        found = {path.name for path in self.folder.rglob("*") if path.is_file()}
        return found - {"restored", "before.png", "after.png"}


@contextlib.contextmanager
def served(folder, **options):
    for name in ("starlette", "uvicorn"):
        pytest.importorskip(name, reason="keras-ms[serve] is not installed")
    settings = RestoreSettings(serve=True, max_pixels=SMALL_TILES, **options)
    hows = {name: settings.how(restorer) for name, restorer in MODELS.items()}
    workshop = Workshop(folder, hows)
    with app.listening(0) as channel:
        server = app.server_of(workshop, settings)
        port = channel.getsockname()[1]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [channel]})
        thread.start()
        try:
            yield Page(port, folder, server)
        finally:
            server.should_exit = True
            thread.join()


def pixels(height=20, width=30, bands=3, dtype="uint8", seed=0):
    white = 256 if dtype == "uint8" else 65536
    return np.random.default_rng(seed).integers(0, white, (height, width, bands)).astype(dtype)


def as_file(image, kind="PNG", **options):
    """The bytes of a picture file, of an array or a Pillow image."""
    content = io.BytesIO()
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    image.save(content, kind, **options)
    return content.getvalue()
