"""Where an encoder comes from: a folder, or a model hub, at one commit that is noted.

The hub's own client fetches (`huggingface_hub`, which `transformers` brings), into its own cache, so that a
fetch that was interrupted goes on. Only what a pack is made of is fetched: no pickles, no code. Which hub,
and with which token, the client reads from its own environment variables (HF_ENDPOINT, HF_TOKEN).
"""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from embedding import open_clip
from embedding.adding import KEPT, READ, SHARDS, check_encoder
from embedding.architectures import import_transformers
from embedding.dual_files import Origin
from embedding.errors import PackRefused

Answer = TypeVar("Answer")
_HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_FIRST = (*READ, open_clip.CONFIG)
_WANTED = (*_FIRST, *KEPT, *open_clip.FILES, "model-*.safetensors", SHARDS)


def encoder_source(said: str, revision: str = "", endpoint: str | None = None) -> tuple[Path, Origin]:
    """The folder of an encoder, and where it came from; what is on a hub is fetched. Raises PackRefused."""
    folder = Path(said).expanduser()
    if folder.is_dir():
        if revision:
            raise PackRefused(
                "encoder-revision", f"{folder} is a folder, which has no revisions.", "Leave --revision out."
            )
        return folder, Origin(folder.resolve().name)
    if not _HUB_ID.fullmatch(said):
        raise PackRefused(
            "encoder-missing", f"There is no folder {said!r}.",
            "Give a folder with a config.json in it, or the id of a hub: owner/name.",
        )  # fmt: skip
    return fetch(said, revision, endpoint)


def fetch(repository: str, revision: str = "", endpoint: str | None = None) -> tuple[Path, Origin]:
    """What the hub holds of an encoder at a revision, the newest by default, pinned to a commit.

    A commit that was fetched before needs no network. Raises PackRefused.
    """
    import_transformers()
    from huggingface_hub import HfApi, snapshot_download

    def get(names: Iterable[str], cached: bool = False) -> Path:
        return Path(
            snapshot_download(
                repository, revision=commit, allow_patterns=list(names), endpoint=endpoint,
                local_files_only=cached,
            )
        )  # fmt: skip

    commit = revision
    if _COMMIT.fullmatch(revision):
        with suppress(Exception):  # not in the cache: it is asked for below
            folder = get(_WANTED, cached=True)
            check_encoder(folder, repository)
            return folder, Origin(repository, commit)
    hub = HfApi(endpoint)
    about = _asked(repository, lambda: hub.model_info(repository, revision=revision or None, timeout=20))
    commit = str(about.sha)
    folder = _asked(repository, lambda: get(_FIRST))  # a few files, before what may be gigabytes
    check_encoder(folder, repository, [each.rfilename for each in about.siblings or ()])
    return _asked(repository, lambda: get(_WANTED)), Origin(repository, commit)


def _asked(repository: str, ask: Callable[[], Answer]) -> Answer:
    """What the hub answers; PackRefused with a reason where it does not."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        return ask()
    except GatedRepoError as error:
        raise PackRefused(
            "hub-gated", f"{repository} is given only to those who accepted its terms.",
            "Accept them on its page, and set HF_TOKEN to a token of that account.",
        ) from error  # fmt: skip
    except RevisionNotFoundError as error:
        raise PackRefused(
            "hub-revision", f"{repository} has no such revision.", "Give the commit that its page shows."
        ) from error
    except RepositoryNotFoundError as error:
        raise PackRefused(
            "hub-unknown", f"The hub has no model {repository}.",
            "Check its name; for one that is not public, set HF_TOKEN.",
        ) from error  # fmt: skip
    except Exception as error:  # the client's errors of network, disk and protocol have no common type
        said = str(error).strip().split("\n")[0][:200]
        raise PackRefused(
            "hub-unreachable", f"{repository} could not be fetched: {said or repr(error)}",
            "Run it again to go on, or fetch its files elsewhere and give their folder.",
        ) from error  # fmt: skip
