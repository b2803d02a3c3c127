"""The API's description, without any service behind it.

python -m web.openapi > docs/openapi.json      # a test compares the two
"""

import json
import sys
from typing import Any

from web.app import bare_app


def document() -> dict[str, Any]:
    """The OpenAPI document that /api/v1/openapi.json serves."""
    app = bare_app()
    with app.app_context():
        described: dict[str, Any] = app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict()
    return described


if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(), indent=2, ensure_ascii=False) + "\n")
