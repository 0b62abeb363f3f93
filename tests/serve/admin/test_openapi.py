"""The description: it validates, and is of what is served."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from netbootd.serve.admin.api import routes
from tests.support.fleet import Api, serving


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(Api()) as running:
        yield running


@pytest.fixture
async def document(api: Api) -> Any:
    reply = await api.ask("GET", "/api/v1/openapi.json")
    assert reply.type == "application/json; charset=utf-8"
    return reply.body


def test_it_validates(document: Any) -> None:
    assert document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(document).validate()


def test_it_names_every_route_once(api: Api, document: Any) -> None:
    served = {(route.method.lower(), route.path) for route in routes(api.services())}
    told = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert told == served
    names = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
    assert len(set(names)) == len(names)


async def test_nothing_is_served_that_it_does_not_name(api: Api, document: Any) -> None:
    """Asked for at each path by methods it does not have."""
    for path, methods in document["paths"].items():
        target = path.replace("{machine}", "node-1")
        for method in {"get", "post", "put", "patch", "delete"} - set(methods):
            assert (await api.change(method.upper(), target.removeprefix("/api/v1"))).status == 405, (method, path)


def test_every_change_says_that_it_is_json_and_what_may_be_wrong(document: Any) -> None:
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            assert {"400", "401", "421"} <= set(said["responses"]), path
            if method != "get":
                assert list(said["requestBody"]["content"]) == ["application/json"]
                assert "415" in said["responses"]


def test_problems_have_one_form(document: Any) -> None:
    for methods in document["paths"].values():
        for said in methods.values():
            for status, response in said["responses"].items():
                if status >= "400":
                    assert response["content"]["application/problem+json"]["schema"] == {
                        "$ref": "#/components/schemas/ProblemDetails"
                    }


@pytest.mark.parametrize(
    ("path", "shape"),
    [("/machines", "Machine"), ("/profiles", "Profile"), ("/bundles", "Bundle"), ("/export.json", "Row")],
)
async def test_an_answer_has_the_keys_it_names_and_no_others(api: Api, document: Any, path: str, shape: str) -> None:
    keys = set(document["components"]["schemas"][shape]["properties"])
    for each in (await api.ask("GET", f"/api/v1{path}")).body:
        assert set(each) == keys
