"""Rules that a composed configuration must keep, beyond the shapes of its parts."""
