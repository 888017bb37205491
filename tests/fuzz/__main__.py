"""Tries many random configurations and lists the faults; the status is 1 if there are any.

python -m tests.fuzz --examples=1000 --seed=0
"""

import argparse
import collections
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz import fuzzing


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    faults, begun = collections.Counter(), time.monotonic()
    tried = [0]

    @seed(asked.seed)
    @settings(
        max_examples=asked.examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(fuzzing.configurations())
    def run(made):
        tried[0] += 1
        fault = fuzzing.fault_of(made)
        if fault:
            short = " ".join(fault.split())[:160]
            if short not in faults:
                print(f"{tried[0]}: {fault}\n  {made}", flush=True)
            faults[short] += 1
        if tried[0] % 50 == 0:
            seconds = time.monotonic() - begun
            print(f"{tried[0]} tried, {sum(faults.values())} faults, {seconds:.0f} s", flush=True)

    run()
    print(f"{tried[0]} configurations, {sum(faults.values())} faults of {len(faults)} kinds.")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
