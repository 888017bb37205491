"""What absl says of a wrong option, in the form of the apps' own errors."""

from __future__ import annotations

import re

from absl import flags

ILLEGAL = re.compile(r"flag (--\w+)=(.*?): (.*)", re.DOTALL)
CHOICES = re.compile(r"value should be one of <(.*)>")
HELP = "Use --help for all options."


def in_words(error: flags.Error) -> str:
    """An error of absl's: what was received, and what to use instead."""
    said = str(error)
    if isinstance(error, flags.UnrecognizedFlagError):
        return _unknown(error.flagname, said)
    if found := ILLEGAL.fullmatch(said):
        flag, value, why = found.groups()
        if choices := CHOICES.fullmatch(why):
            why = f"is one of {choices[1].replace('|', ', ')}"
            return f"{flag} {why}. Received: {flag}={value}."
        return f"{flag} has no such value ({why}). Received: {flag}={value}. {HELP}"
    return f"{said.rstrip('.')}. {HELP}"


def _unknown(name: str, said: str) -> str:
    near = said.partition("Did you mean: ")[2].rstrip("? ").split(" or ")
    meant = " or ".join(f"--{one.strip()}" for one in near if one.strip())
    use = f"Use {meant}; --help shows all options." if meant else HELP
    return f"There is no such option. Received: --{name}. {use}"
