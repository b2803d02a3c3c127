"""From a feed to rows: read, rehearsed, imported, remembered row by row, taken back."""
