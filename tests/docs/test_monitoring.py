"""docs/monitoring.md and the dashboard: what they name is what there is, all of it and nothing else."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from netbootd.observe import events
from netbootd.observe.events import Event
from netbootd.observe.metrics import Metrics

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "monitoring.md").read_text()
DASHBOARD = json.loads((DOCS / "grafana.json").read_text())
COMMON = {"mac", "machine", "ip"}


def kinds() -> list[type[Event]]:
    found = [each for _, each in inspect.getmembers(events, inspect.isclass) if issubclass(each, Event)]
    return [each for each in found if each is not Event]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    part = TEXT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def families() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Type and labels of each metric, by the name that is scraped."""
    found = {}
    for collector, names in Metrics().registry._collector_to_names.items():
        kind = getattr(collector, "_type", "")
        name = next(each for each in sorted(names, key=len) if each.startswith("netbootd_"))
        found[f"{name}_total" if kind == "counter" else name] = (kind, tuple(getattr(collector, "_labelnames", ())))
    return found


def queries(panel: object) -> Iterator[str]:
    match panel:
        case dict():
            for key, value in panel.items():
                if key in ("expr", "query") and isinstance(value, str):
                    yield value
                else:
                    yield from queries(value)
        case list():
            for each in panel:
                yield from queries(each)


def test_each_event_is_listed_with_its_level_and_its_fields() -> None:
    expected = {f"`{kind.name}`": (kind.level, {field.name for field in fields(kind)} - COMMON) for kind in kinds()}
    listed = {name: (level, set(re.findall(r"`(\w+)`", said))) for name, level, said, _ in rows("Log events")}
    assert listed == expected


def test_each_metric_is_listed_with_its_type_and_its_labels() -> None:
    listed = {
        name.strip("`"): (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels, _ in rows("Metrics")
    }
    assert listed == families()


def test_the_dashboard_asks_for_metrics_and_labels_that_there_are() -> None:
    known = families()
    asked = list(queries(DASHBOARD))
    assert len(asked) > 8
    for query in asked:
        for name in re.findall(r"netbootd_\w+", query):
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            assert name in known or (base in known and known[base][0] == "histogram"), query
        labels = {each for _, names in known.values() for each in names} | {"le", "job", "instance"}
        for group in re.findall(r"by \(([^)]*)\)", query):
            assert set(re.findall(r"\w+", group)) <= labels, query


def test_the_dashboard_can_be_imported_anywhere() -> None:
    """A data source of its own choice, and no number of ours that another dashboard may have."""
    assert DASHBOARD["id"] is None
    assert DASHBOARD["templating"]["list"][0]["type"] == "datasource"
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    sources = [panel["datasource"]["uid"] for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    assert set(sources) == {"${source}"}
