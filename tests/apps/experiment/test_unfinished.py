"""What a run leaves to go on from: which one it is, on which data, and how it is removed."""

import pathlib

import keras
import pytest

from apps.experiment import same_data, unfinished
from apps.experiment.settings import Settings
from apps.experiment.unfinished import Unfinished
from keras_ms import safe_files
from keras_ms.training.snapshots import Snapshots


class Files(list):
    """Examples that have files, or pairs of them."""

    def __init__(self, *files):
        super().__init__(files)
        self.files = files


@pytest.fixture
def plain_policy():
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)


@pytest.fixture
def begun(tmp_path, plain_policy):
    """Begins a run, or goes on with it."""
    output = tmp_path / "out"

    def begin(examples=(1, 2, 3), held_out=(1, 2), **options):
        run = Unfinished(output, settings(**options), signals=None)
        run.begin(examples)
        run.start(held_out)
        return run

    begin.folder = output / unfinished.FOLDER
    return begin


def settings(**options):
    return Settings(dtype_policy="float32", **{"strategy": "progressive", **options})


def kept(begun):
    """Leaves a checkpoint."""
    begun()
    Snapshots(begun.folder / "progressive").write({"steps": 3})


ODD = '{"settings": {}, "policy": null, "rollbacks": [3]}'


@pytest.mark.parametrize("text", [None, "", '{"settings"', "[]", '{"settings": {}}', "null", ODD])
def test_checkpoints_of_a_run_that_nobody_knows_are_no_run_to_go_on_with(begun, text):
    kept(begun)
    path = begun.folder / "run.json"
    path.unlink() if text is None else path.write_text(text)
    for resume in ("auto", "must"):
        with pytest.raises(ValueError, match=r"nobody knows .*run\.json.*--resume=never"):
            begun(resume=resume)
    begun(resume="never")
    assert [p.name for p in begun.folder.iterdir()] == ["run.json"]


def test_without_checkpoints_a_damaged_file_is_no_loss(begun):
    begun()
    (begun.folder / "run.json").write_text("")
    begun()


def test_other_data_are_refused(begun, tmp_path):
    kept(begun)
    with pytest.raises(ValueError, match=r"on other data\. Received: 4 examples, it was 3"):
        begun(range(4))


def test_other_data_to_validate_on_are_refused(begun, tmp_path):
    (tmp_path / "a").write_text("one")
    begun(held_out=Files(tmp_path / "a"))
    kept_before = Snapshots(begun.folder / "progressive").write({"steps": 3})
    with pytest.raises(ValueError, match="Received: 2 examples to validate on, it was 1"):
        begun()
    (tmp_path / "a").write_text("another")
    with pytest.raises(ValueError, match="files to validate on of other names or sizes"):
        begun(held_out=Files(tmp_path / "a"))
    assert kept_before.exists()


def test_a_new_run_removes_the_old_one_when_it_starts_and_not_before(begun, tmp_path):
    kept(begun)
    anew = Unfinished(tmp_path / "out", settings(resume="never", seed=4), signals=None)
    anew.begin((1, 2))  # and then data to validate on are missing, or it is killed
    anew.tidy()
    assert Snapshots(begun.folder / "progressive").paths()
    begun(resume="must")
    anew.start(())
    assert [p.name for p in begun.folder.iterdir()] == ["run.json"]


def test_files_that_were_changed_are_refused(begun, tmp_path):
    files = [tmp_path / name for name in "abcd"]
    for path in files:
        path.write_text(path.name)
    begun(Files(*files[:3]))
    Snapshots(begun.folder / "progressive").write({"steps": 3})
    with pytest.raises(ValueError, match="files of other names or sizes"):
        begun(Files(*files[1:]))
    begun(Files(*files[:3]))
    files[0].write_text("another")
    with pytest.raises(ValueError, match="files of other names or sizes"):
        begun(Files(*files[:3]))


def test_files_are_known_wherever_their_folder_is(tmp_path):
    found = []
    for folder in (tmp_path / "one", tmp_path / "other"):
        folder.mkdir()
        for name in "ab":
            (folder / name).write_text(name)
        found.append(same_data.fingerprint(Files((folder / "a", folder / "b"))))
    assert found[0] == found[1] > 0
    assert float(found[0]) == found[0]
    assert same_data.fingerprint(Files(pathlib.Path("b"), pathlib.Path("a"))) != found[0]
    assert same_data.fingerprint([1, 2]) == 0


def test_what_cannot_be_removed_is_not_gone_on_with(begun, monkeypatch):
    kept(begun)
    monkeypatch.setattr(safe_files, "remove", lambda folder: None)
    with pytest.raises(ValueError, match=r"--resume=never removes the run .* and cannot"):
        begun(resume="never")


def test_strategies_with_checkpoints_are_not_left_out(begun):
    kept(begun)
    with pytest.raises(ValueError, match=r"--strategy=adaptive, --compare=,.* of progressive\."):
        begun(strategy="adaptive")
    begun(strategy="adaptive", compare=("progressive",))
    begun(strategy="adaptive", resume="never")


@pytest.mark.parametrize("name", ["", "weights.pt", "step_1/weights.pt", "empty/sub/file"])
@pytest.mark.parametrize("resume", ["auto", "never"])
def test_what_is_the_users_is_not_removed(begun, name, resume):
    path = begun.folder / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(ValueError, match=r"something else where the checkpoints go.*Received: "):
        begun(resume=resume)
    assert path.read_text() == "mine"


def test_a_run_is_removed_at_once(begun, monkeypatch):
    kept(begun)
    monkeypatch.setattr(safe_files.shutil, "rmtree", lambda *args, **options: None)  # killed
    begun().remove()
    assert not begun.folder.exists()
    monkeypatch.undo()
    safe_files.clear(begun.folder.parent)
    assert list(begun.folder.parent.iterdir()) == []


def test_a_link_to_a_folder_is_removed_and_the_folder_stays(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    safe_files.remove(tmp_path / "link")
    safe_files.remove(tmp_path / "nothing")
    assert [path.name for path in tmp_path.rglob("*")] == ["elsewhere", "file"]
