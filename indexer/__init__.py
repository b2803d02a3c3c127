"""Catalogue -> vectors: the ledger's pipeline, its sweeper, its runner and its doctor."""
