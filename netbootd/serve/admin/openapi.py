"""The description of the API (OpenAPI 3.1), made of the routes that are served and the models they use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from netbootd.serve.admin.asked import Asked
from netbootd.serve.admin.routes import Media, Route
from netbootd.serve.admin.shapes import ProblemDetails

_REF = "#/components/schemas/{model}"
_ALWAYS = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.MISDIRECTED_REQUEST)
_CHANGING = (
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_PARTS = {"machine": "The id of its record, one of its cards in any spelling, or its name."}
_HEADERS = {
    "X-Total-Count": ("How many there are on all pages.", "integer"),
    "Link": ("The next page, if there is one (RFC 8288).", "string"),
    "Location": ("Where it is.", "string"),
}


def openapi(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """The whole document."""
    names, schemas = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "netbootd",
            "version": version,
            "summary": "Network boot beside the DHCP server you already have.",
            "description": "From this machine, or by a Unix socket, no token is needed; from anywhere else it is.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


Names = Mapping[Any, dict[str, Any]]
"""How each model is referred to, by itself and its mode."""


def _schemas(routes: Sequence[Route]) -> tuple[Names, dict[str, Any]]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(ProblemDetails, "serialization"): None}
    for route in routes:
        if route.answer.model:
            wanted[route.answer.model, "serialization"] = None
        if route.body:
            wanted[route.body, "validation"] = None
    names, made = models_json_schema(list(wanted), ref_template=_REF)
    return names, made.get("$defs", {})


def _operation(route: Route, names: Names) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "responses": _responses(route, names),
    }
    if parameters := [*_in_path(route), *_in_query(route.query), *_in_headers(route)]:
        said["parameters"] = parameters
    if route.body:
        schema = names[route.body, "validation"]
        required = bool(_required(route.body))
        said["requestBody"] = {"required": required, "content": {Media.JSON.value: {"schema": schema}}}
    return said


def _in_path(route: Route) -> list[dict[str, Any]]:
    named = re.findall(r"{(\w+)}", route.path)
    return [
        {"name": name, "in": "path", "required": True, "description": _PARTS[name], "schema": {"type": "string"}}
        for name in named
    ]


def _in_query(model: type[Asked]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(mode="validation", ref_template=_REF)
    required = _required(model)
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(each)}
        for name, each in schema.get("properties", {}).items()
    ]


def _in_headers(route: Route) -> list[dict[str, Any]]:
    if route.answer.media is not Media.EVENTS:
        return []
    description = "The id of the last event that was seen: those after it come first."
    return [{"name": "Last-Event-ID", "in": "header", "description": description, "schema": {"type": "string"}}]


def _required(model: type[Asked]) -> list[str]:
    return [name for name, each in model.model_fields.items() if each.is_required()]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is left out is null inside, and cannot be said to be so."""
    some = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(some) != 1:
        return schema
    kept = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**kept, **some[0]}


def _responses(route: Route, names: Names) -> dict[str, Any]:
    answer = route.answer
    good: dict[str, Any] = {"description": answer.status.phrase}
    if answer.media:
        good["content"] = {answer.media.value: {"schema": _schema_of(route, names)}}
    if answer.headers:
        good["headers"] = {
            name: {"description": _HEADERS[name][0], "schema": {"type": _HEADERS[name][1]}} for name in answer.headers
        }
    expected = {*_ALWAYS, *route.problems, *(_CHANGING if route.body else ())}
    schema = {"schema": names[ProblemDetails, "serialization"]}
    bad = {
        str(int(status)): {"description": status.phrase, "content": {"application/problem+json": schema}}
        for status in sorted(expected)
    }
    return {str(int(answer.status)): good, **bad}


def _schema_of(route: Route, names: Names) -> dict[str, Any]:
    answer = route.answer
    if answer.model is None:
        return {"type": "string"} if answer.media is not Media.JSON else {"type": "object"}
    schema = names[answer.model, "serialization"]
    return {"type": "array", "items": schema} if answer.many else schema
