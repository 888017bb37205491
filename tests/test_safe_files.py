import errno
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import threading

import pytest

from keras_ms import safe_files

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture
def small_disk():
    """A disk on which no file can be larger than 1000 bytes, which Python reports as when full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def text_in(path, text):
    with safe_files.whole(path) as unfinished:
        unfinished.write_text(text)


def left(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_file_appears_whole_in_folders_that_are_made(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with safe_files.whole(path) as unfinished:
        unfinished.write_text("all of it")
        assert unfinished.suffix == ".txt"
        assert not path.exists()
    assert path.read_text() == "all of it"
    assert left(tmp_path) == ["new", "new/a.txt"]


def test_files_have_the_rights_that_others_have(tmp_path):
    text_in(tmp_path / "a.txt", "ours")
    (tmp_path / "b.txt").write_text("plain")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
def test_what_fails_leaves_what_was_there(tmp_path, error):
    text_in(tmp_path / "a.txt", "before")

    def failing():
        with safe_files.whole(tmp_path / "a.txt") as unfinished:
            unfinished.write_text("half")
            raise error("no more")

    with pytest.raises(error):
        failing()
    assert left(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "before"


def test_a_full_disk_names_the_file_and_leaves_what_was_there(tmp_path, small_disk):
    safe_files.write_json(tmp_path / "a.json", ["before"])
    with pytest.raises(OSError, match=r"'.*/a\.json'") as failed:
        safe_files.write_json(tmp_path / "a.json", ["after"] * 1000)
    assert failed.value.errno == errno.EFBIG
    assert json.loads((tmp_path / "a.json").read_text()) == ["before"]
    assert left(tmp_path) == ["a.json"]


def test_links_are_replaced_and_what_they_lead_to_is_not(tmp_path):
    for name in ("mine.txt", "linked.txt"):
        (tmp_path / name).write_text("mine")
    (tmp_path / "a.txt").symlink_to(tmp_path / "mine.txt")
    os.link(tmp_path / "linked.txt", tmp_path / "b.txt")
    for name in ("a.txt", "b.txt"):
        text_in(tmp_path / name, "ours")
        assert (tmp_path / name).read_text() == "ours"
    assert [(tmp_path / name).read_text() for name in ("mine.txt", "linked.txt")] == ["mine"] * 2
    assert not (tmp_path / "a.txt").is_symlink()


@pytest.mark.parametrize("at_once", [True, False])
def test_folders_change_places(tmp_path, monkeypatch, at_once):
    if not at_once:  # a file system over a network
        monkeypatch.setattr(safe_files, "_exchanged_at_once", lambda *_: False)
    for text in ("first", "second"):
        with safe_files.whole(tmp_path / "model") as unfinished:
            unfinished.mkdir()
            (unfinished / f"{text}.txt").write_text(text)
    assert left(tmp_path) == ["model", "model/second.txt"]


def test_there_is_no_moment_without_a_folder(tmp_path):
    missing, done = [], threading.Event()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").touch()

    def watch():
        while not done.is_set():
            missing.append(not (tmp_path / "model" / "weights").exists())

    watching = threading.Thread(target=watch)
    watching.start()
    for _ in range(50):
        with safe_files.whole(tmp_path / "model") as unfinished:
            unfinished.mkdir()
            (unfinished / "weights").touch()
    done.set()
    watching.join()
    assert len(missing) > 50
    assert not any(missing)


def test_a_folder_that_cannot_be_put_in_its_place_leaves_the_other(tmp_path, monkeypatch):
    (tmp_path / "model" / "old").mkdir(parents=True)
    rename = os.rename

    def failing(source, target):
        if pathlib.Path(target) == tmp_path / "model" and "unfinished" in str(source):
            raise OSError(errno.EIO, "broken")
        rename(source, target)

    monkeypatch.setattr(safe_files, "_exchanged_at_once", lambda *_: False)
    monkeypatch.setattr(os, "rename", failing)

    def write():
        with safe_files.whole(tmp_path / "model") as unfinished:
            unfinished.mkdir()
            (unfinished / "new").mkdir()

    with pytest.raises(OSError, match="model"):
        write()
    assert left(tmp_path) == ["model", "model/old"]


def test_files_do_not_take_the_place_of_folders(tmp_path):
    (tmp_path / "a" / "mine").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        text_in(tmp_path / "a", "ours")
    assert left(tmp_path) == ["a", "a/mine"]


def test_two_that_write_at_once_do_not_mix(tmp_path):
    with safe_files.whole(tmp_path / "a") as one, safe_files.whole(tmp_path / "b") as other:
        assert one != other
        one.write_text("a")
        other.write_text("b")
    assert [(tmp_path / name).read_text() for name in "ab"] == ["a", "b"]


def test_what_a_killed_process_left_is_known_and_what_a_living_one_makes_is_spared(tmp_path):
    code = (
        "import importlib.util, os, signal, sys\n"
        f"spec = importlib.util.spec_from_file_location('s', {safe_files.__file__!r})\n"
        "s = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(s)\n"
        f"with s.workplace({str(tmp_path)!r}) as place:\n"
        "    (place / 'half').touch()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    assert len(left(tmp_path)) == 2
    with safe_files.workplace(tmp_path) as place:
        safe_files.clear(tmp_path)
        assert left(tmp_path) == [place.name]


def test_a_folder_is_locked_until_it_is_unlocked(tmp_path):
    lock = safe_files.locked(tmp_path)
    with pytest.raises(BlockingIOError):
        safe_files.locked(tmp_path)
    safe_files.unlock(lock)
    safe_files.unlock(safe_files.locked(tmp_path))
    assert left(tmp_path) == []


def test_json_is_as_its_standard_has_it(tmp_path):
    content = {"a": [float("nan"), 1.5, (float("inf"), -float("inf"))], "b": None, "c": True}
    safe_files.write_json(tmp_path / "a.json", content)

    def refused(name):
        raise AssertionError(name)

    got = json.loads((tmp_path / "a.json").read_text(), parse_constant=refused)
    assert got == {"a": [None, 1.5, [None, None]], "b": None, "c": True}
