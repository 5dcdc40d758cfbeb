"""What has no subject of its own: months, random draws, probabilities, threads, kernels' tools."""
