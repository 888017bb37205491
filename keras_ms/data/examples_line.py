"""How examples of a user's own are read, kept and changed, in one line."""

from __future__ import annotations

import math

from keras_ms.data.pair_batches import PairBatches

FROZEN = "if so, say anew=True, else each example stays as it is first read"


def examples_line(pairs: PairBatches) -> str:
    """How many examples there are, whether they are kept and why, and what is drawn at random."""
    reading, length = pairs.reading, pairs.examples.length
    known = length is not None and length != math.inf
    number = f"{reading.count or length:g}" if reading.count or known else "as many as come"
    kept = _kept(pairs) if reading.keeps else _not_kept(pairs)
    parts = (f"{number}, {kept}", _drawn(pairs), _may_draw(pairs), pairs.examples.note)
    return f"examples: {'; '.join(filter(None, parts))}"


def _kept(pairs: PairBatches) -> str:
    said = ", as you say (anew=False)" if pairs.anew is False else ""
    first = "" if pairs.reading.whole else " after the first pass"
    return f"read once and kept{said}, visited in shuffled order{first}"


def _not_kept(pairs: PairBatches) -> str:
    examples = pairs.examples
    if examples.once:
        return "read as they come and not kept"
    if examples.length == math.inf:
        return "read on and on, since they are said to have no end"
    if pairs.anew:
        return "read anew in every pass, as you say (anew=True)"
    if examples.anew:
        return f"read anew in every pass{', since ' * bool(examples.draws)}{examples.draws}"
    return "read anew in every pass, since neither memory nor disk has room for them"


def _drawn(pairs: PairBatches) -> str:
    drawn = {
        "random crops": not pairs.whole,
        "flips": pairs.flip,
        "turns": pairs.rotate,
        "augment": pairs.augment is not None,
    }
    names = [name for name, is_on in drawn.items() if is_on]
    if not names and (pairs.examples.draws or pairs.examples.anew):
        return "nothing drawn by the dataset itself"
    return f"{', '.join(names) or 'nothing'} drawn at random"


def _may_draw(pairs: PairBatches) -> str:
    """What may draw unseen and would be frozen, unless the user has decided."""
    open_still = pairs.reading.keeps and pairs.anew is None and pairs.examples.draws
    return f"{pairs.examples.draws}: {FROZEN}" if open_still else ""
