"""How often one visitor, and one search key, may ask."""
