"""New passwords: taken or refused by `accounts.passwords`, hashed by Flask-Security."""

from flask import request
from flask_security.utils import hash_password

from accounts.passwords import PasswordRefused, check
from web.services import services


def chosen(*known: str) -> str:
    """The hash of the form's new password; words of the account count as known. Raises PasswordRefused."""
    first, again = request.form.get("password", ""), request.form.get("again")
    if again is not None and first != again:
        raise PasswordRefused("The two passwords differ.", "Write the same one twice.")
    return hash_password(check(first, known, services().settings.console.breached))
