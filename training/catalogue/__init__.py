"""Learning a pack's heads and composer on a merchant's own catalogue."""
