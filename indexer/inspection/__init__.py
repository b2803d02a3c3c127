"""Items looked through while nothing waits: bad pictures, missing attributes, duplicates."""
