"""What the running program says of itself, wherever it runs: logs and traces."""
