import pytest

from apps.experiment import output_folder
from keras_ms import safe_files

SAVED_MODEL = ("saved_model",)


def hold(folder, *arguments):
    with output_folder.held(folder, *arguments) as held:
        return held


def test_a_folder_is_made_and_left_empty(tmp_path):
    with output_folder.held(tmp_path / "new" / "out", ["a"], SAVED_MODEL) as folder:
        assert folder == tmp_path / "new" / "out"
        assert not list(folder.iterdir())


def test_another_run_is_refused_until_the_first_has_ended(tmp_path):
    with output_folder.held(tmp_path):
        with pytest.raises(ValueError, match=r"Another run writes to --output. Received: .*Use"):
            hold(tmp_path)
        (tmp_path.parent / "linked").symlink_to(tmp_path)
        with pytest.raises(ValueError, match="Another run"):
            hold(tmp_path.parent / "linked")
    hold(tmp_path)

    def failing():
        with output_folder.held(tmp_path):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    hold(tmp_path)


def test_what_a_killed_run_left_is_removed(tmp_path):
    (tmp_path / f"{safe_files.PREFIX}dead" / "model").mkdir(parents=True)
    hold(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_cannot_be_written_to():
    with pytest.raises(ValueError, match=r"--output cannot be written to. Received: /proc/"):
        hold("/proc/nowhere")


@pytest.mark.parametrize("output", ["/dev/null", "/dev/null/out"])
def test_what_is_no_folder_is_refused(output):
    with pytest.raises(ValueError, match=r"--output must be a folder. Received: /"):
        hold(output)


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safe_files.tempfile, "mkdtemp", full)
    with pytest.raises(ValueError, match=r"cannot be written to. Received: .*No space left"):
        hold(tmp_path)


def a_file(path):
    path.write_text("mine")


def a_thesis(path):
    path.mkdir()
    (path / "thesis.txt").write_text("mine")


def with_notes(path):
    a_thesis(path)
    (path / "saved_model.pb").touch()


@pytest.mark.parametrize("make", [a_file, a_thesis, with_notes, lambda p: p.symlink_to("nowhere")])
def test_what_lies_where_the_model_goes_is_refused(make, tmp_path):
    make(tmp_path / "model")
    with pytest.raises(ValueError, match=r"would be lost. Received: .*/model\. Use another"):
        hold(tmp_path, [], SAVED_MODEL)


@pytest.mark.parametrize("name", ["curves.json", "model.onnx"])
def test_folders_where_files_go_are_refused(name, tmp_path):
    (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match=rf"--output holds .*/{name}\. Use"):
        hold(tmp_path, ["curves.json"], (*SAVED_MODEL, "onnx"))


def test_what_can_be_written_is():
    written, attempts = [], output_folder.Attempts()

    def failing(name):
        raise OSError(28, "No space left on device", f"out\x1b/{name}")

    attempts(failing, "a.png")
    attempts(written.append, "b.json")
    with pytest.raises(ValueError, match=r"'out\\x1b/a\.png'.*All else is in out"):
        attempts.check("out")
    assert written == ["b.json"]
