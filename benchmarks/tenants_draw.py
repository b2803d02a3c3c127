"""What one request of `benchmarks.tenants` is drawn from."""

import random
from dataclasses import dataclass, field

from benchmarks.tenants_shop import Tenant
from bootstrap import Services


@dataclass
class Draw:
    """What one request is drawn from: who asks, whom it tries for, and what it has typed of theirs."""

    rng: random.Random
    asker: Tenant
    others: list[Tenant]
    services: Services
    typed: list[str] = field(default_factory=list)

    def target(self) -> Tenant:
        """The asker itself, now and then; mostly another shop."""
        return self.asker if self.rng.random() < 0.35 else self.rng.choice(self.others)

    def type(self, text: str) -> str:
        """Note that the asker has written this itself: it may come back."""
        self.typed.append(text)
        return text

    def sku(self) -> str:
        """A sku of somebody, or of nobody."""
        if self.rng.random() < 0.1:
            return self.type(f"nobody-{self.rng.randrange(99)}")
        return self.type(self.rng.choice(self.target().skus))

    def words(self) -> str:
        """Words to search by, another shop's among them."""
        some = [self.target().mark, "shirt", "dress", "red", self.target().mark[:4], "navy skirt", ""]
        return self.type(self.rng.choice(some))
