"""The tables of a state, as they are now; `fleet.migrations` says how they came to be."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Integer, MetaData, String, Table

VERSION = 5

TABLES = MetaData()
SCHEMA = Table("netbootd_schema", TABLES, Column("version", Integer, primary_key=True, autoincrement=False))
MACHINES = Table(
    "machines",
    TABLES,
    Column("mac", String(47), primary_key=True),
    Column("stage", String(16), nullable=False),
    Column("since", Float, nullable=False),
    Column("by", String(200), nullable=False),
    Column("generation", Integer, nullable=False),
)
HANDINGS = Table(
    "handings",
    TABLES,
    Column("mac", String(47), primary_key=True),
    Column("ip", String(45), primary_key=True),
    Column("file", String, nullable=False),
    Column("begun", Boolean, nullable=False),
    Column("owner", Integer, nullable=False),  # the daemon that wrote it
)
