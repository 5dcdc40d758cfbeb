"""Two countries side by side: what can be compared, and the effects of what both could do."""
