"""The shape of every configuration file, as pydantic models."""
