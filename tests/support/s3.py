"""An S3 server for tests: moto's, over HTTP on a free port, in a thread of this process.

What was put outlives `stop` and `start`, as it does where a real server or the network is away for a while.
It checks no passwords.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

from tests.support.redis import free_port

CREDENTIALS = {  # as an operator gives them
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}
OPTIONS = {"key": "testing", "secret": "testing", "client_kwargs": {"region_name": "us-east-1"}}


class S3Server:
    """One server; `url` names a bucket of its own."""

    def __init__(self, bucket: str = "shop") -> None:
        self.bucket, self.port = bucket, free_port()
        self._server: ThreadedMotoServer | None = None

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def url(self, prefix: str = "images") -> str:
        """The images' address, as TWIRL_IMAGES_URL wants it."""
        return f"s3://{self.bucket}/{prefix}?endpoint_url={self.endpoint}"

    def start(self) -> None:
        """Start it, or start it again; it answers when this returns."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line a request
        self._server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self._server.start()

    def stop(self) -> None:
        """From now on connections are refused."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def client(self) -> "boto3.client":
        """Amazon's own client, for the test's own questions."""
        said = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        near = Config(connect_timeout=5, read_timeout=10)
        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1", config=near, **said)

    def keys(self, prefix: str = "") -> list[str]:
        """The names of all objects that begin so."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]


@contextmanager
def running_s3(bucket: str = "shop") -> Iterator[S3Server]:
    """A server with an empty bucket, for a while."""
    server = S3Server(bucket)
    server.start()
    server.client().create_bucket(Bucket=bucket)
    try:
        yield server
    finally:
        server.stop()
