"""One run: its folder, its resources, its progress, and making it again."""
