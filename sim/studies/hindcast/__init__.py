"""The past judges the model: project from what was known then, score what came."""
