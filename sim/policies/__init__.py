"""Policy: what levers, events and dated edits make of the baseline rates in each month."""
