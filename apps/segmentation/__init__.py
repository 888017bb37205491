"""Strategies raced on masks of a user's own: equal seconds, and how good the masks are then."""
