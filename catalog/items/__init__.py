"""A merchant's items as the console lists, mends and looks through them."""
