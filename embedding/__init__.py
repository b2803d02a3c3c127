"""Pixels and words to unit vectors: towers, composer, model packs."""
