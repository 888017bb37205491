from apps.races import ends


def run(steps, planned=1240):
    return {"points": [{"loss": 0.5}], "steps": steps, "planned": planned}


def test_medians_are_told_with_their_spread_where_there_is_one():
    assert ends.spread([0.2, 0.6, None, 0.3]) == "0.300 (0.200 to 0.600)"
    assert ends.spread([0.01234], ".2g") == "0.012"
    assert ends.spread([None]) == ends.spread([]) == "-"


def test_runs_that_time_cut_off_are_named():
    others = [("plain_1", run(1234)), ("plain_1", {"points": []})]
    assert ends.cut_short(others) == []
    (line,) = ends.cut_short([*others, ("adaptive", run(1234, planned=2000))])
    assert line.endswith(": adaptive (1,234 of 2,000 steps).")
