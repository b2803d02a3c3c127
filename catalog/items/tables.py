"""What was found out about items by looking at their pictures: when, what to mend, and what is alike."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models import Base, now


class ItemLook(Base):
    """The last look at an item: at which rev, at which main picture, by which model, and what was measured.

    `alike` is the least product id of the items that show the same picture or nearly so, this one among
    them; NULL where no other does.
    """

    __tablename__ = "item_look"
    __table_args__ = (Index(None, "merchant_id", "alike", "product_id"),)

    product_id: Mapped[int] = mapped_column(
        ForeignKey("product.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))
    rev: Mapped[int]
    alike: Mapped[int | None]
    sha256: Mapped[str] = mapped_column(String(64))
    fingerprint: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(default=now)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)  # of the picture: sharpness and the like


class ItemHint(Base):
    """Something to mend about an item: a bad picture, or an attribute that is missing with what it may be.

    `value` is what the model would fill in ("" where it is not sure), `confidence` how often such a
    suggestion was right on the shop's own items. A dismissed hint stays away until the picture changes.
    """

    __tablename__ = "item_hint"
    __table_args__ = (
        UniqueConstraint("product_id", "code"),
        Index(None, "merchant_id", "code", "product_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(String(32))
    dismissed: Mapped[bool] = mapped_column(default=False, server_default=false())
    confidence: Mapped[float] = mapped_column(default=0.0)
    value: Mapped[str] = mapped_column(String(750), default="")
