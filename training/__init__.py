"""Learns model packs: datasets, recolouring, captions, losses, the loop and its evaluation."""
