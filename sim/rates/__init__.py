"""From a configuration to the arrays of rates that kernels read."""
