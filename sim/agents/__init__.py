"""Who and what exists: residents, firms, municipalities, agencies, and the state of a run."""
