"""The ensemble: members that draw all that is not known, and what they say together."""
