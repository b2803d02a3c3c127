"""Query -> hits: parse, encode, compose, filter, search, hydrate."""
