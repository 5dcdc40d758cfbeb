"""Published tables: reading, checking and looking up."""
