"""The model of time, memory and communication, against sums that are done by hand."""

import pytest

from apps.benchmark import scaling_runs
from apps.benchmark.scaling import (
    Line,
    Link,
    Step,
    communication,
    efficiency,
    fitted,
    most_hosts,
    seconds,
    traffic,
)

COMPUTE = Line(0.01, 1e-6)
LINK = Link(bandwidth=1e9, latency=1e-4, collectives=3)


def test_pixels_are_those_of_the_telescoping_sum():
    # 16 fine and 16 coarse, then 32 of the coarsest, on one of 4 hosts.
    assert Step(128, (16, 32), 4).pixels == (16 * 128**2 + 16 * 64**2 + 32 * 64**2) / 4
    assert Step(128, (16,)).pixels == 16 * 128**2


def test_memory_is_that_of_the_level_that_holds_most():
    assert Step(128, (1, 2)).pixels_at_once == 128**2  # 3 of 64 px are less
    assert Step(128, (1, 8, 8), 2).pixels_at_once == 9 * 64**2 / 2


def test_a_host_sends_twice_the_gradient_less_a_share():
    assert traffic(1000, 1) == 0
    assert traffic(1000, 2) == 4000
    assert traffic(1000, 4) == 6000


def test_communication_is_messages_and_bytes():
    assert communication(LINK, 1000, 1) == 0.0
    assert communication(LINK, 10**6, 4) == pytest.approx(18e-4 + 6e6 / 1e9)


def test_efficiency_falls_with_hosts_and_rises_with_pixels():
    def efficient(side, hosts):
        return efficiency(Step(side, (64,), hosts), COMPUTE, LINK, 10**6)

    assert efficient(512, 1) == 1.0
    assert efficient(512, 2) > efficient(512, 16) > efficient(512, 64)
    assert efficient(4096, 64) > efficient(512, 64)
    step = Step(512, (64,), 2)
    alone = COMPUTE.at(step._replace(hosts=1).pixels)
    assert efficient(512, 2) == alone / (2 * seconds(step, COMPUTE, LINK, 10**6))


def test_most_hosts_are_no_more_than_images():
    slow = Link(1e6, 1e-1)
    assert most_hosts(Step(4096, (16,)), COMPUTE, LINK, 10**6, 0.5) == 16
    assert most_hosts(Step(32, (64,)), COMPUTE, slow, 10**6, 0.5) == 1


def test_a_line_is_found_again_and_weighs_points_alike():
    assert fitted([1.0, 10.0, 100.0], [2.0, 11.0, 101.0]) == pytest.approx((1.0, 1.0))
    with pytest.raises(ValueError, match="two different points"):
        fitted([1.0, 1.0], [2.0, 3.0])


def test_the_largest_size_is_predicted_by_the_others():
    found = [(COMPUTE.at(Step(side, (1,)).pixels), 10.0 + side**2) for side in (64, 128, 256)]
    measured = [(clock, 2.0 * clock, peak) for clock, peak in found]
    measured[-1] = (99.0, 99.0, 99.0)
    *_, row = scaling_runs._beside_the_model([64, 128, 256], (1,), measured)
    assert row["seconds"] == 99.0
    assert row["predicted"] == pytest.approx(COMPUTE.at(256**2))
    assert row["predicted_processor"] == pytest.approx(2.0 * COMPUTE.at(256**2))
    assert row["predicted_peak"] == pytest.approx(10.0 + 256**2)
