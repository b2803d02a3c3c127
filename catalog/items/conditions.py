"""What is asked of products and pictures in several places, as the index that answers it wants it."""

from sqlalchemy import ColumnElement, and_, collate, func, or_, text
from sqlalchemy.orm import Session

from catalog.models import HIDDEN, Image, Product

_HIDDEN = text(f"product.{HIDDEN}")


def failed(merchant_id: int, code: str = "") -> ColumnElement[bool]:
    """The pictures that failed, or failed so."""
    which = and_(Image.merchant_id == merchant_id, Image.state == "failed")
    return and_(which, Image.error_code == code) if code else which


def hidden(merchant_id: int) -> ColumnElement[bool]:
    """The products that are hidden, deleted ones too."""
    return and_(Product.merchant_id == merchant_id, _HIDDEN)


def deleted(merchant_id: int) -> ColumnElement[bool]:
    """The tombstones. (A sum is in no index: the one of what is deleted is the one to go by.)"""
    return and_(Product.merchant_id + 0 == merchant_id, Product.deleted_at.is_not(None))


def title_has(session: Session, word: str) -> ColumnElement[bool]:
    """Whether a title has these letters, whatever their case: asked of every title, so as a database is fast.

    SQLite's LIKE takes no notice of the case of a to z, and of no other. PostgreSQL lowers a to z quickly.
    """
    if session.get_bind().dialect.name == "sqlite":
        forms = {word} if word.isascii() else {word, word.upper(), word.capitalize()}
        return or_(*(Product.title.contains(form, autoescape=True) for form in sorted(forms)))
    title = collate(Product.title, "C") if word.isascii() else Product.title
    return func.lower(title).contains(word, autoescape=True)
