"""The merchant console: an application of its own on the shop's listener, below /console."""
