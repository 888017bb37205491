import json

import pytest

from apps.races.on_file import kept


def test_what_is_on_file_is_read_and_what_differs_is_named(tmp_path, capsys):
    path, made = tmp_path / "race" / "run.json", []
    path.parent.mkdir()

    def run(**settings):
        def train():
            print("of the log")
            made.append(settings)
            return {"loss": 0.5}

        return kept(path, settings, train, lambda row: f"loss {row['loss']}")

    first = run(sizes=(1, 2), rate=0.1)
    assert first == {"settings": {"sizes": [1, 2], "rate": 0.1}, "loss": 0.5}
    assert run(sizes=(1, 2), rate=0.1) == first == json.loads(path.read_text())
    assert len(made) == 1
    assert capsys.readouterr().out == "race, run: loss 0.5\n"
    assert path.with_suffix(".log").read_text() == "of the log\n"
    with pytest.raises(
        ValueError, match=r"other settings.*where rate \(was 0\.1, is 0\.2\)\. Take"
    ):
        run(sizes=(1, 2), rate=0.2)
    with pytest.raises(ValueError, match=r"where flip \(was None, is True\)"):
        run(sizes=(1, 2), rate=0.1, flip=True)
