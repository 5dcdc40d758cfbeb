"""The opening: people and firms as they were on the first day of a run."""
