"""How many visitors a shop can serve, what it does with more, and whether it stays the same for an hour."""
