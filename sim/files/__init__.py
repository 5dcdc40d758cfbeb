"""Folders of results that survive a crash: locks, atomic writes, manifests."""
