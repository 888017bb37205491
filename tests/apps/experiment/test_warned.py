import warnings

from apps.experiment import warned


def test_a_warning_is_one_clean_line_and_comes_once(capsys, monkeypatch):
    monkeypatch.setattr(warnings, "showwarning", lambda *_, **__: print("as ever"))
    warned.in_one_line()
    for category in (UserWarning, UserWarning, RuntimeWarning):
        warnings.showwarning("look", category, "file.py", 3)
    out, err = capsys.readouterr()
    assert err == "Warning: look\n"
    assert out == "as ever\n"
