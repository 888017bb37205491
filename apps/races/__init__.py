"""Races between training strategies: who takes part, how each is run, and what comes of it."""
