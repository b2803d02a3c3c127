"""The composition root: settings -> services. The only place that picks a back end.

Everything is built when first asked for, so that `twirl import` never loads a model and the web process
loads it after it was forked. Tests override by argument: `Services(settings, store=...)`. Three layers, each
over the one before: `stores` (where things are kept), `answering` (what a search needs), `services`
(indexing, and the life of a process).
"""

from bootstrap.services import Services
from bootstrap.stores import SHIPPED_PACKS

__all__ = ["SHIPPED_PACKS", "Services"]
