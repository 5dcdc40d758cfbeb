"""Questions that take many runs: comparison, calibration, hindcast, sensitivity."""
