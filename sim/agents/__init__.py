"""The populations, each a struct of arrays."""
