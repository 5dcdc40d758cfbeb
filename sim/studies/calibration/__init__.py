"""Fitting the model to what was published: plan, targets, mean, slopes, fit, report."""
