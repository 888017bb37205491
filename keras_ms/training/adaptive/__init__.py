"""The schedule that switches by itself: its rule, what it measures, its journal."""
