import tiny_run

from apps.reproduce.target import Asked
from apps.reproduce.targets import figure2


def test_differences_by_mesh_and_noise_on_every_set_at_hand(tmp_path):
    text, output = tiny_run.run(tmp_path, "figure2", seeds=(0, 1))
    assert tiny_run.is_whole(output, "figure2")
    lines = tiny_run.lines_of(output, "figure2")
    assert {line["cell"] for line in lines} >= {f"figure2/{n}" for n in ("folder-0", "photos-1")}
    by_noise = tiny_run.row_of(output, "figure2/folder-0")["noise"]
    assert list(by_noise["0"]["mean"]) == ["64", "32"]  # down to 16 points
    # Means of two halve the noise's variance: that is most of what there is on the finest mesh.
    assert by_noise["0.2"]["mean"]["64"] > by_noise["0"]["mean"]["64"] > 0.0
    assert "slope in h" in text


def test_sets_that_are_not_there_are_left_out(tmp_path):
    asked = Asked("tiny", "celeb_a", str(tmp_path), (0,))
    assert figure2.at_hand(asked) == {
        "celeb_a": {"dataset": "celeb_a", "data_dir": str(tmp_path)},
        "photos": {"dataset": "photos", "data_dir": None},
    }
    (tmp_path / "stl10" / "1.0.0").mkdir(parents=True)
    (tmp_path / "stl10" / "1.0.0" / "dataset_info.json").touch()
    assert list(figure2.at_hand(asked)) == ["celeb_a", "photos", "stl10"]
