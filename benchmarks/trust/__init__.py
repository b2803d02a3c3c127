"""Bars of what must hold whatever happens: see docs/reliability.md."""
