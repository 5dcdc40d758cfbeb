"""The command `kyosei`."""
