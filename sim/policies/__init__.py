"""What policy decides: levers, events and edits, composed into the rates of each month."""
