"""From the record of a run to tables, indicators and a summary."""
