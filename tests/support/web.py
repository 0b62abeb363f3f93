"""A plain HTTP client in another network namespace."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.namespace import Namespace
from tests.support.places import tcp


@contextmanager
def opened(place: Namespace, server: str, path: str, port: int = 8080) -> Iterator[http.client.HTTPResponse]:
    """The answer to a GET, its body yet to be read.  The path goes out as it is."""
    connection = http.client.HTTPConnection(server, port)
    connection.sock = tcp(place, server, port)
    try:
        connection.putrequest("GET", path, skip_accept_encoding=True)
        connection.endheaders()
        with connection.getresponse() as answer:
            yield answer
    finally:
        connection.close()


def get(place: Namespace, server: str, path: str, port: int = 8080) -> bytes:
    """The body of a page that must be there."""
    with opened(place, server, path, port) as answer:
        assert answer.status == 200, (path, answer.status)
        return answer.read()


def status(place: Namespace, server: str, path: str, port: int = 8080) -> int:
    """Only how it went."""
    with opened(place, server, path, port) as answer:
        return answer.status
