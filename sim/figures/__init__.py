"""Printed figures, one family a file; they read tables, never the model."""
