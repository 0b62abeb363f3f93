"""The JSON API: its routes in one table, which is what is served and what ``/api/v1/openapi.json`` describes."""

from __future__ import annotations

import json
from http import HTTPStatus

from aiohttp import web

from netbootd import __version__
from netbootd.serve.admin import shapes
from netbootd.serve.admin.asked import By, Draft, Follow, Nothing, Page, Patch, Which
from netbootd.serve.admin.catalogue import Catalogue
from netbootd.serve.admin.changes import Changes
from netbootd.serve.admin.events import Events
from netbootd.serve.admin.machines import Machines
from netbootd.serve.admin.openapi import openapi
from netbootd.serve.admin.routes import Answer, Media, Route, add
from netbootd.serve.admin.services import ApiServices

ROOT = "/api/v1"
_MACHINES, _MACHINE = f"{ROOT}/machines", f"{ROOT}/machines/{{machine}}"
_NOT_FOUND, _CONFLICT, _FULL = HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.INSUFFICIENT_STORAGE
_ONE = Answer(shapes.Machine)


def add_api(app: web.Application, services: ApiServices) -> None:
    """To the admin site, before it starts."""
    table = routes(services)
    description = json.dumps(openapi(table, __version__), indent=2)

    async def described(_request: web.Request) -> web.Response:
        return web.Response(text=description, content_type="application/json")

    async def stopping(_app: web.Application) -> None:
        services.stream.close()

    add(app, table)
    app.router.add_get(f"{ROOT}/openapi.json", described)
    app.on_shutdown.append(stopping)


def routes(services: ApiServices) -> tuple[Route, ...]:
    """All but the description itself."""
    machines, changes = Machines(services), Changes(services)
    catalogue, events = Catalogue(services), Events(services.stream)
    return (
        Route(
            "GET",
            _MACHINES,
            machines.all,
            "listMachines",
            "All machines, or those that something is true of",
            Answer(shapes.Machine, many=True, headers=("X-Total-Count", "Link")),
            query=Page,
        ),
        Route(
            "POST",
            _MACHINES,
            changes.create,
            "createMachine",
            "A machine that nobody has seen yet",
            Answer(shapes.Machine, status=HTTPStatus.CREATED, headers=("Location",)),
            body=Draft,
            problems=(_CONFLICT, _FULL),
        ),
        Route(
            "GET",
            _MACHINE,
            machines.one,
            "showMachine",
            "One machine",
            _ONE,
            problems=(_NOT_FOUND,),
        ),
        Route(
            "PATCH",
            _MACHINE,
            changes.change,
            "changeMachine",
            "Change some of it; null takes away (RFC 7396)",
            _ONE,
            body=Patch,
            problems=(_NOT_FOUND, _CONFLICT, _FULL),
        ),
        Route(
            "DELETE",
            _MACHINE,
            changes.forget,
            "forgetMachine",
            "Forget it, as if it had never been seen",
            Answer(status=HTTPStatus.NO_CONTENT, media=None),
            body=By,
            problems=(_NOT_FOUND, _CONFLICT),
        ),
        Route(
            "POST",
            f"{_MACHINE}/install",
            changes.install,
            "installMachine",
            "Arm it: it gets its payload once",
            _ONE,
            body=By,
            problems=(_NOT_FOUND, _CONFLICT),
        ),
        Route(
            "POST",
            f"{_MACHINE}/local",
            changes.local,
            "localMachine",
            "Leave it to its own disk",
            _ONE,
            body=By,
            problems=(_NOT_FOUND, _CONFLICT),
        ),
        Route(
            "POST",
            f"{_MACHINE}/approve",
            changes.approve,
            "approveMachine",
            "It is one of ours",
            _ONE,
            body=By,
            problems=(_NOT_FOUND, _CONFLICT),
        ),
        Route(
            "GET",
            f"{_MACHINE}/boots",
            machines.boots,
            "listBoots",
            "Its boots, the latest first",
            Answer(shapes.Boot, many=True),
            problems=(_NOT_FOUND,),
        ),
        Route(
            "GET",
            f"{ROOT}/events",
            events.follow,
            "followEvents",
            "What happens, as it happens (server-sent events)",
            Answer(media=Media.EVENTS),
            query=Follow,
            problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
        ),
        Route(
            "GET",
            f"{ROOT}/status",
            catalogue.status,
            "showStatus",
            "How much there is, and what there was no room for",
            Answer(shapes.Status),
            query=Nothing,
        ),
        Route(
            "GET",
            f"{ROOT}/profiles",
            catalogue.profiles,
            "listProfiles",
            "What machines may be given to boot",
            Answer(shapes.Profile, many=True),
            query=Nothing,
        ),
        Route(
            "GET",
            f"{ROOT}/bundles",
            catalogue.bundles,
            "listBundles",
            "What has been imported",
            Answer(shapes.Bundle, many=True),
        ),
        Route(
            "GET",
            f"{ROOT}/export.csv",
            machines.csv,
            "exportCsv",
            "The fleet as a table for spreadsheets",
            Answer(media=Media.CSV),
            query=Which,
        ),
        Route(
            "GET",
            f"{ROOT}/export.json",
            machines.json,
            "exportJson",
            "The same for programs",
            Answer(shapes.Row, many=True),
            query=Which,
        ),
    )
