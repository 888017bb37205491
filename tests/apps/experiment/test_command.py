from apps.experiment.command import as_typed

TEXT = "Use apps.restore, or python -m apps.time_to_quality --help; not keras_ms_apps.train."


def test_apps_are_named_as_they_are_typed_in_a_clone():
    assert as_typed(TEXT) == TEXT


def test_apps_are_named_as_they_are_typed_where_they_are_installed():
    wanted = "Use keras-ms restore, or keras-ms time-to-quality --help; not keras_ms_apps.train."
    assert as_typed(TEXT, in_a_clone=False) == wanted
