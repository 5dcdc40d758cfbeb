"""The processes of a month, kernels first. `sim.month.MONTH` lists them in order."""
