"""The search in pages of other sites: the script they load, and who may use it."""

from web.embed.guard import admits, guard_of, install
from web.embed.script import blueprint

__all__ = ["admits", "blueprint", "guard_of", "install"]
