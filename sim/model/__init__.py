"""The model: its opening, the month, checkpoints."""
