"""Links to the merchant console, for the terminal."""

from accounts import invitations
from bootstrap import Services

PATHS = {"join": "/console/join", "reset": "/console/reset"}


def root(services: Services) -> str:
    """The address that links begin with: the one people use, else the one that the storefront listens on."""
    chosen = services.settings.web
    if services.settings.console.public_url:
        return services.settings.console.public_url.rstrip("/")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(chosen.host, chosen.host)  # noqa: S104 - what to ask
    return f"http://[{host}]:{chosen.port}" if ":" in host else f"http://{host}:{chosen.port}"


def link(services: Services, kind: str, token: str) -> str:
    """The address of a one-time link."""
    return f"{root(services)}{PATHS[kind]}?token={token}"


def notice(services: Services) -> str:
    """Where the console is; as long as nobody has an account, the link by which the first is made."""
    shop = services.merchant()  # which is made now, in a transaction of its own, where there was none
    with services.sessions.begin() as session:
        token = invitations.setup(session, shop.id)
    if token is None:
        return f"Console:    {root(services)}/console/"
    return (
        f"Console:    {link(services, 'join', token)}\n            (its first account; good once, for a day)"
    )
