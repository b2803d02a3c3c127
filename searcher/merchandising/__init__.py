"""The merchant's say in what is found: synonyms, and rules that pin, boost, bury and hide."""
