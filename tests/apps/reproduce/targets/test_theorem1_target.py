import tiny_run


def test_iterations_hot_started_and_cold(tmp_path):
    text, output = tiny_run.run(tmp_path, "theorem1")
    assert tiny_run.is_whole(output, "theorem1")
    convex = tiny_run.row_of(output, "folder-theorem1/convex-smooth-0")
    assert convex["points"] == [64, 32, 16]
    assert len(convex["distance"]) == 2
    assert convex["all"]["hot"][-1] == convex["all"]["cold"][-1] > 0  # nothing to start from
    hot, cold = (tiny_run.row_of(output, f"folder-theorem1/{name}-0") for name in ("hot", "cold0"))
    # Before the first step, and after 2 and 4: on the coarsest level first.
    assert {level: len(errors) for level, errors in hot["errors"].items()} == {"1": 3, "0": 3}
    assert {level: len(errors) for level, errors in cold["errors"].items()} == {"0": 3}
    counts = tiny_run.row_of(output, "folder-theorem1/iterations-0")
    assert counts["cold"][1] == counts["hot"][1]
    assert set(counts["cold"] + counts["hot"]) <= {0, 2, 4, None}
    assert "iterations, hot" in text
