"""The import that an address names, or the page that says that there is none."""

from sqlalchemy.orm import Session

from catalog.importing import jobs as import_jobs
from catalog.importing.tables import ImportRequest
from web.console.access import shop
from web.problems import http


def required(session: Session, request_id: int) -> ImportRequest:
    """This shop's request of that id; 404 for any other."""
    found = import_jobs.find(session, shop().id, request_id)
    if found is None:
        raise http(404, "There is no such import.", "Choose one from the list of imports.")
    return found
