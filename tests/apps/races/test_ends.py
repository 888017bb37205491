from apps.races import ends


def test_medians_are_told_with_their_spread_where_there_is_one():
    assert ends.spread([0.2, 0.6, None, 0.3]) == "0.300 (0.200 to 0.600)"
    assert ends.spread([0.2, 0.2001]) == "0.200"
    assert ends.spread([0.01234], ".2g") == "0.012"
    assert ends.spread([None]) == ends.spread([]) == "-"


def test_runs_that_did_not_come_to_their_finest_level_are_named():
    done = {"points": [{"loss": 0.5}], "steps": 1234, "finest": 20}
    others = [("plain_1", done), ("plain_1", {"points": []})]
    assert ends.cut_short(others) == []
    (line,) = ends.cut_short([*others, ("coarse_to_fine", {**done, "finest": 0})])
    assert line.endswith(": coarse_to_fine (1,234 steps).")
