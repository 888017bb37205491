"""Kills runs at random moments, starts them again, and compares what they come to, bit for bit."""

import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np

VICTIM = pathlib.Path(__file__).with_name("victim.py")
ROOT = VICTIM.parents[2]


def started(subject, folder, kill):
    """A process of a run; it has its own log."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.txt").open("a") as log:
        log.write(f"--- {kill}\n")
        log.flush()
        command = [sys.executable, str(VICTIM), subject, str(folder), kill]
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)


def ran(subject, folder, kill="none"):
    """Runs to the end, or to the kill; returns the status."""
    return started(subject, folder, kill).wait()


def killed_after(subject, folder, seconds):
    """Kills a run from outside, unless it has ended before."""
    process = started(subject, folder, "none")
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        return process.wait()


def library_end(folder):
    """Weights, and the loss of every epoch."""
    with np.load(folder / "end.npz") as found:
        return dict(found)


def app_end(folder):
    """Weights of the exported model, and all curves, seconds left out."""
    import tensorflow as tf

    out = folder / "out"
    reader = tf.train.load_checkpoint(str(out / "model" / "variables" / "variables"))
    names = sorted(n for n in reader.get_variable_to_shape_map() if n.startswith("variables_"))
    found = {name: reader.get_tensor(name) for name in names}
    content = json.loads((out / "curves.json").read_text())
    for strategy, points in content["curves"].items():
        for name in points[0].keys() - {"seconds"}:
            found[f"{strategy} {name}"] = np.array([point[name] for point in points])
    for way, values in content["quality"].items():
        found[f"quality {way}"] = np.array(list(values.values()))
    found["left"] = np.array(sorted(path.name for path in out.iterdir()))
    return found


ENDS = {"library": library_end, "app": app_end}


def differences(mine, theirs):
    """Names of what is not the same to the bit."""
    if mine.keys() != theirs.keys():
        return sorted(mine.keys() ^ theirs.keys())
    return [name for name in mine if not np.array_equal(mine[name], theirs[name])]


KILLS = {
    "library": [
        lambda rng: f"step:{rng.randint(1, 12)}",
        lambda rng: f"step:{rng.randint(13, 20)}",
        lambda rng: f"step:{rng.randint(21, 27)}",
        lambda rng: f"write:{rng.randint(1, 20)}:{rng.random():.3f}",
        lambda rng: f"rename:{rng.randint(1, 20)}",
    ],
    "app": [
        lambda rng: f"step:{rng.randint(1, 20)}",
        lambda rng: f"step:{rng.randint(21, 32)}",
        lambda rng: f"step:{rng.randint(33, 39)}",
        lambda rng: f"write:{rng.randint(1, 30)}:{rng.random():.3f}",
        lambda rng: f"rename:{rng.randint(1, 30)}",
        lambda rng: f"export:{2.0 * rng.random():.3f}",
        lambda rng: "exported",
        lambda rng: "time",  # from outside, at any moment
    ],
}


def one(subject, rng, which, want, seconds):
    """Kills a run once, or twice; returns what was done, and what is wrong then."""
    with tempfile.TemporaryDirectory(prefix="keras_ms-faults-") as place:
        folder = pathlib.Path(place)
        kills = [KILLS[subject][which % len(KILLS[subject])](rng)]
        if rng.random() < 0.3:
            kills.append(KILLS[subject][rng.randrange(len(KILLS[subject]))](rng))
        codes = []
        for kill in kills:
            if kill == "time":
                codes.append(killed_after(subject, folder, seconds * rng.uniform(0.2, 1.0)))
            else:
                codes.append(ran(subject, folder, kill))
        code = ran(subject, folder) if codes[-1] else 0
        said = f"{subject} {' then '.join(kills)}"
        if code:
            return said, [f"status {code}", (folder / "log.txt").read_text()[-2000:]]
        return said, differences(ENDS[subject](folder), want)


def reference(subject):
    """What an uninterrupted run comes to, and how long it takes."""
    with tempfile.TemporaryDirectory(prefix="keras_ms-faults-") as place:
        folder, begin = pathlib.Path(place), time.monotonic()
        code = ran(subject, folder)
        if code:
            raise RuntimeError((folder / "log.txt").read_text()[-4000:])
        return ENDS[subject](folder), time.monotonic() - begin


def campaign(kills, subjects, seed):
    """Kills so many runs of the subjects in turn; prints a line each, returns the faults."""
    rng, faults = random.Random(seed), 0
    wants = {subject: reference(subject) for subject in subjects}
    for number in range(kills):
        subject = subjects[number % len(subjects)]
        said, found = one(subject, rng, number // len(subjects), *wants[subject])
        faults += bool(found)
        print(f"{number + 1} of {kills}: {said}: {found or 'the same to the bit'}", flush=True)
    print(f"{kills - faults} of {kills} ended as if nothing had happened.")
    return faults
