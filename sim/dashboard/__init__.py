"""The dashboard: a local server for one person that shows finished folders and makes new ones."""
