"""Speed and memory of training steps, beside rivals on the same data, network and machine.

    python -m apps.benchmark                                          # hours on 2 cores
    python -m apps.benchmark --measures=levels,depths --sizes=64,128  # minutes
    python -m apps.benchmark --network=unet --measures=levels,pipeline
    python -m apps.benchmark --measures=examples                      # half an hour

Candidates are timed in turn, and medians over the rounds are reported. The PyTorch loop needs the
optional extra: pip install "keras-ms[benchmark]". Most of the time goes into --measures=quality,
the race to what plain training reaches in five minutes, which `python -m apps.time_to_quality` runs
for several tasks and networks. Leaves tables (benchmark.md), benchmark.json and benchmark.png in
--output.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
from typing import Any

from ..experiment import flags
from ..experiment.options import as_dict, replaced
from . import report
from .settings import BenchmarkSettings

Rows = list[report.Row]
FILES = ("benchmark.md", "benchmark.json", "benchmark.png")


def run(settings: BenchmarkSettings) -> dict[str, Rows]:
    """Measures what is asked for, prints the tables and writes them.

    Returns:
        The rows of every table, by its name.

    Raises:
        ValueError: If a measure would be refused, or the output cannot be written to.
    """
    from ..experiment import output_folder

    with output_folder.held(settings.output, FILES) as output:
        return _measured(settings, output)


def _measured(settings: BenchmarkSettings, output: pathlib.Path) -> dict[str, Rows]:
    from keras_ms import safe_files

    from ..experiment import building, precision

    images = building.images_in_memory(settings, "train")
    chosen = precision.set_policy(settings)
    settings = replaced(settings, dtype_policy=chosen)
    _check_runs(settings)
    results: dict[str, Rows] = {}
    tables = []
    for name, measure in measures(settings, images):
        print(f"Measuring: {report.TITLES[name]} ...", flush=True)
        if rows := measure():
            results[name] = rows
            tables.append(_titled(name, rows))
            print(f"\n{tables[-1]}", flush=True)
    if "runs" in results and "quality" in results:
        both = zip(results["runs"], results["quality"], strict=True)
        results["summary"] = [{**one, **other} for one, other in both]
        tables.insert(0, _titled("summary", results["summary"]))
        print(tables[0])
    safe_files.write_text(output / "benchmark.md", "\n".join(tables))
    content = {"settings": as_dict(settings), "results": results}
    safe_files.write_json(output / "benchmark.json", content)
    report.save_plot(results, output / "benchmark.png", settings.dtype_policy)
    print(f"Look at {output / 'benchmark.png'}; the tables are in {output / 'benchmark.md'}.")
    return results


def _check_runs(settings: BenchmarkSettings) -> None:
    """Refuses what a whole run would refuse, before hours of measuring."""
    if not {"runs", "quality"} & set(settings.measures):
        return
    from ..races.race import check

    options = replaced(settings, batch_sizes=settings.run_batch_sizes)
    check(options, settings.task, settings.network)


def _titled(name: str, rows: Rows) -> str:
    return f"## {report.TITLES[name]}\n\n{report.as_table(rows)}"


def measures(
    settings: BenchmarkSettings, images: list[Any]
) -> Iterator[tuple[str, Callable[[], Rows]]]:
    """What is asked for: tables by name, each with the function that measures its rows."""
    from . import (
        examples,
        executions,
        memory,
        pairs,
        pipeline,
        rivals,
        runs,
        scaling_runs,
        stages,
        steps,
    )

    of_pairs: dict[str, Callable[[], Rows]] = {"pairs": lambda: pairs.share(settings, images)}
    all_of_them: dict[str, dict[str, Callable[[], Rows]]] = {
        "levels": {"levels": lambda: _beside_peak(settings, images)},
        "precision": {"precision": lambda: _in_bfloat16(settings, images)},
        "depths": {"depths": lambda: steps.by_depth(settings, images)},
        "pipeline": {"pipeline": lambda: pipeline.share(settings, images), **of_pairs},
        "pairs": of_pairs,
        "stages": {"stages": lambda: stages.starts(settings, images)},
        "executions": {"executions": lambda: executions.gains(settings, images)},
        "rivals": {
            "fits": lambda: rivals.fits(settings, images),
            "torch": lambda: rivals.torch_steps(settings, images),
        },
        "memory": {"memory": lambda: memory.peaks(settings)},
        "scaling": {
            "scaling": lambda: scaling_runs.by_side(settings),
            "sums": lambda: scaling_runs.sums(settings),
        },
        "runs": {"runs": lambda: runs.whole(settings)},
        "quality": {"quality": lambda: runs.quality(settings)},
        "examples": {"examples": lambda: examples.races(settings)},
    }
    asked = [table for name in settings.measures for table in all_of_them[name].items()]
    yield from dict(asked).items()


def _beside_peak(settings: BenchmarkSettings, images: list[Any]) -> Rows:
    import keras

    from . import steps
    from .flops import peak_gflops

    dtype = keras.config.dtype_policy().compute_dtype
    peak = peak_gflops(dtype, settings.rounds, settings.seconds_per_round)
    print(f"A matrix product of 2048 in {dtype}: {peak:.0f} GFLOP/s")
    rows = steps.by_level(settings, images)
    return [{**row, "share_of_peak": row["gflops"] / peak} for row in rows]


def _in_bfloat16(settings: BenchmarkSettings, images: list[Any]) -> Rows:
    from keras_ms.networks import single_precision

    from ..experiment import precision

    with single_precision.policy(precision.MIXED):
        return _beside_peak(settings, images)


def main() -> None:
    """Runs the app on the flags of the command line."""
    flags.start("benchmark", BenchmarkSettings, run)


if __name__ == "__main__":
    main()
