"""Imports of a deployment, asked for as the console does: files kept, a request in the line, a ring."""

import json
import zipfile
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from catalog.importing import jobs as import_jobs
from catalog.importing.progress import ImportProgress, progress_of
from catalog.importing.tables import ImportRequest, ImportRow
from catalog.models import ImportJob, RowError
from tests.support.deployed import Deployment, write_feed


def kept(shop: Deployment, path: Path) -> str:
    """Keep a file as an upload is kept; its key."""
    with shop.services.feed_files.received() as file:
        file.write_bytes(path.read_bytes())
        return shop.services.feed_files.keep(file)


def feed_with_faults(folder: Path, name: str, rows: int, every: int) -> tuple[Path, Path]:
    """(a feed of so many rows, its pictures in an archive); each `every`th is good, others have no price."""
    good = write_feed(folder, rows // every, name)
    lines = []
    for number, line in enumerate(good.read_text().splitlines()):
        bad = [json.loads(line) | {"id": f"{name}-{number}-{n}", "price": "cheap"} for n in range(1, every)]
        lines += [line, *(json.dumps(each) for each in bad)]
    good.write_text("\n".join(lines) + "\n")
    archive = folder / "pictures.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for picture in sorted(folder.glob("*.jpg")):
            made.write(picture, picture.name)
    return good, archive


def ask(shop: Deployment, feed: Path, pictures: Path, step: str = "import") -> int:
    """Ask for an import, or for another step; the id of the request."""
    file, images = kept(shop, feed), kept(shop, pictures)
    with shop.services.sessions.begin() as session:
        asked = import_jobs.enqueue(
            session, shop.services.merchant().id, file=file, images=images, filename=feed.name, step=step
        )
    shop.services.ring_imports()
    return asked


def go_on(shop: Deployment, asked: int, step: str) -> None:
    """Ask for the next step of a request."""
    with shop.services.sessions.begin() as session:
        import_jobs.again(session, session.get_one(ImportRequest, asked), step)
    shop.services.ring_imports()


def request(shop: Deployment, asked: int) -> ImportRequest:
    """As it stands in SQL."""
    with shop.services.sessions() as session:
        return session.get_one(ImportRequest, asked)


def progress(shop: Deployment, asked: int) -> ImportProgress:
    """As the import's page says it."""
    with shop.services.sessions() as session:
        return progress_of(session, session.get_one(ImportRequest, asked))


def counts(shop: Deployment, asked: int) -> tuple[str, int, int, int]:
    """(state, rows, created, refused) of its run."""
    with shop.services.sessions() as session:
        job = session.get_one(ImportJob, session.get_one(ImportRequest, asked).job_id)
        return job.state, job.rows, job.created, job.refused


def fates(shop: Deployment, asked: int) -> tuple[Counter[str], Counter[int], Counter[int]]:
    """({outcome: rows}, {row: fates}, {row: faults}) of its run."""
    with shop.services.sessions() as session:
        job_id = session.get_one(ImportRequest, asked).job_id
        rows = session.execute(
            select(ImportRow.row, ImportRow.outcome).where(ImportRow.job_id == job_id)
        ).all()
        faults = session.scalars(select(RowError.row).where(RowError.job_id == job_id)).all()
    return Counter(outcome for _, outcome in rows), Counter(row for row, _ in rows), Counter(faults)
