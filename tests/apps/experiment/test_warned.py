import warnings

from apps.experiment import warned


def test_a_warning_is_one_clean_line_and_comes_once(capsys, monkeypatch):
    usual = lambda *_, **__: print("as ever")  # noqa: E731
    monkeypatch.setattr(warnings, "showwarning", usual)
    with warned.in_one_line(["image_size"]):
        for category in (UserWarning, UserWarning, RuntimeWarning):
            warnings.showwarning("Use `image_size` of 64.", category, "file.py", 3)
    out, err = capsys.readouterr()
    assert err == "Warning: Use --image_size of 64.\n"
    assert out == "as ever\n"
    assert warnings.showwarning is usual
