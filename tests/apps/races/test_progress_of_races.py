from apps.races.progress import Progress


def test_progress_tells_time_by_the_runs_that_were_made():
    progress = Progress([10.0, 10.0, 100.0, 100.0])
    progress.found(10.0)
    assert progress.seconds_left == 210.0
    progress.made(10.0, wall=360.0)
    assert str(progress) == "2 of 4 runs, about 2 h 00 min left"
