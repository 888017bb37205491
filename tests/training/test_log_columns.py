"""Files and servers that log a run of stages: all columns from the first epoch on."""

import csv
import http.server
import json
import threading

import keras
import pytest
from conftest import pair_dataset, small_images, small_net

import keras_ms
from keras_ms.callbacks import Checkpoint
from keras_ms.training.log_columns import back_to, columns, drop_last, header_of, place_in

STEPS = 1


@pytest.fixture(scope="module")
def fit():
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("sgd", "mse", run_eagerly=True)
    data = pair_dataset((1, 2), STEPS, telescoping=False)

    def fitted(*callbacks, iterations=(1, 1), epochs=2, **options):
        schedule = keras_ms.FullMultiscaleSchedule(iterations, STEPS)
        listed = [*callbacks, schedule]
        return model.fit(
            data, epochs=epochs, callbacks=listed, verbose=0, rehearse=False, **options
        ).history

    return fitted


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.smoke
def test_a_csv_file_has_the_losses_of_later_stages(fit, tmp_path):
    path, x = tmp_path / "log.csv", small_images(1)
    reduce = keras_ms.callbacks.PerStage(keras.callbacks.ReduceLROnPlateau("loss"))
    log = keras.callbacks.CSVLogger(path)
    history = fit(reduce, log, validation_data=(x, x), validation_freq=2)
    coarse, fine = rows_of(path)
    assert (coarse["loss_level_0"], coarse["val_loss"]) == ("NA", "NA")
    assert float(fine["loss_level_0"]) == history["loss_level_0"][0]
    assert float(coarse["loss_level_1"]) == history["loss_level_1"][0]
    assert float(fine["val_loss"]) == history["val_loss"][0]
    assert float(fine["learning_rate"]) > 0.0
    assert (coarse["stage"], coarse["resolution"], fine["stage"]) == ("1", "16", "2")
    assert not [name for name in coarse if name in ("val_stage", "val_loss_level_0")]


def test_a_file_that_goes_on_keeps_its_columns(fit, tmp_path):
    path = tmp_path / "log.csv"
    fit(keras.callbacks.CSVLogger(path))
    first = path.read_text().splitlines()
    fit(keras.callbacks.CSVLogger(path, append=True), iterations=(1, 0), epochs=1)
    lines = path.read_text().splitlines()
    assert lines[: len(first)] == first
    assert len(lines) == len(first) + 1
    assert rows_of(path)[-1]["loss_level_0"] == rows_of(path)[-1]["loss"]
    assert rows_of(path)[-1]["resolution"] == "32"


class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def test_a_run_that_goes_on_writes_no_row_twice(fit, tmp_path):
    path = tmp_path / "log.csv"
    log = keras.callbacks.CSVLogger(path, append=True)
    with pytest.raises(KeyboardInterrupt):  # the second epoch is logged, and not saved
        fit(log, Stop(), Checkpoint(tmp_path / "kept", 0.0))
    assert [row["epoch"] for row in rows_of(path)] == ["0", "1"]
    fit(keras.callbacks.CSVLogger(path, append=True), Checkpoint(tmp_path / "kept", 0.0))
    assert [row["epoch"] for row in rows_of(path)] == ["0", "1"]


def test_rows_of_earlier_runs_stay(tmp_path):
    path = tmp_path / "log.csv"
    kept = b"epoch;loss\n0;0.5\n1;0.4\n0;0.5\n"
    for more in (b"", b"1;0.3\n2;0.2\n", b"1;0.3\n2;0.", b"1"):
        path.write_bytes(kept + more)
        drop_last(path, 1, ";")
        assert path.read_bytes() == kept
    drop_last(path, 0, ";")
    assert path.read_bytes() == b"epoch;loss\n"
    drop_last(tmp_path / "none", 0)


def test_a_file_goes_back_to_what_it_was_at_a_checkpoint(tmp_path):
    path = tmp_path / "log.csv"
    logger = keras.callbacks.CSVLogger(path, append=True)
    nothing = place_in(logger)
    path.write_text("epoch,loss\n0,2.0\n")  # of an earlier run
    before = place_in(logger)
    with path.open("a") as file:
        file.write("0,1.0\n1,0.9\n")
    back_to(keras.callbacks.CSVLogger(path), before)  # which begins the file anew
    back_to(logger, before | {"file": "another.csv"})
    assert len(path.read_text()) == 29
    back_to(logger, before)
    back_to(logger, before | {"bytes": 1000})
    assert path.read_text() == "epoch,loss\n0,2.0\n"
    logger.append_header = False  # of a file that has one
    back_to(logger, nothing)
    assert path.read_text() == ""
    assert logger.append_header


def test_a_callback_list_is_as_it_was_afterwards(tmp_path):
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("sgd", "mse", run_eagerly=True)
    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    given = keras.callbacks.CallbackList([log], add_history=True, model=model)
    before = list(given.callbacks)
    data = pair_dataset((1, 2), STEPS, telescoping=False)
    model.fit(data, callbacks=given, verbose=0, rehearse=False)
    assert given.callbacks == before
    (row,) = rows_of(tmp_path / "log.csv")
    assert {"loss_level_0", "loss_level_1"} <= row.keys()


@pytest.mark.parametrize("text", ["", "some,other,file\n"])
def test_the_header_of_a_file_without_one_is_none(tmp_path, text):
    (tmp_path / "log.csv").write_text(text)
    assert header_of(keras.callbacks.CSVLogger(tmp_path / "log.csv", append=True)) is None
    assert header_of(keras.callbacks.CSVLogger(tmp_path / "log.csv")) is None


def test_columns_are_those_of_keras_where_validation_comes_first():
    logs = {"loss": 1.0, "val_loss": 2.0, "stage": 1}
    assert columns(logs, {"loss_level_0"}) == ["loss", "loss_level_0", "stage", "val_loss"]


@pytest.fixture
def server():
    """A server on this machine that keeps what is sent to it."""
    got = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    found = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{found.server_port}", got
    found.shutdown()
    thread.join()
    found.server_close()


def test_a_remote_monitor_gets_json_of_every_epoch(fit, server, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    root, got = server
    history = fit(keras.callbacks.RemoteMonitor(root, send_as_json=True))
    sent = [json.loads(text) for text in got]
    assert [logs["stage"] for logs in sent] == [1, 2]
    assert [isinstance(logs["resolution"], int) for logs in sent] == [True, True]
    assert sent[1]["loss_level_0"] == history["loss_level_0"][0]
    assert "loss_level_0" not in sent[0]
