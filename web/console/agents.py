"""What a browser is, in a few words, from what it says of itself: to tell one's logins apart, no more."""

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrom", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
    ("Mac OS", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def browser(agent: str) -> str:
    """For instance "Firefox on Linux"."""
    name = next((word for sign, word in _BROWSERS if sign in agent), "Another program")
    system = next((word for sign, word in _SYSTEMS if sign in agent), "")
    return f"{name} on {system}" if system else name
