"""Scenarios set beside each other: paired runs, effects with intervals, packages taken apart."""
