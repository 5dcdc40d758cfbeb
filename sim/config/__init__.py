"""From YAML and the words of the command line to one checked RunConfig."""
