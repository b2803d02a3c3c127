"""Starts and watches the processes of the embedded shape: engine, indexer, web."""
