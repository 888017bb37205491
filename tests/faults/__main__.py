"""`python -m tests.faults --kills=20`: kills training runs at random moments, and compares."""

import argparse
import sys

from tests.faults import harness


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--subjects", default="app,library")
    options = parser.parse_args()
    sys.exit(bool(harness.campaign(options.kills, options.subjects.split(","), options.seed)))


if __name__ == "__main__":
    main()
