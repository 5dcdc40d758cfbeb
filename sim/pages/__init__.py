"""Pages to look at, made from finished folders: nothing here runs the model or draws a figure."""
