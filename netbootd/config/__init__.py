"""The settings: read from YAML, checked as a whole, handed on as one immutable `Config`.

file(s) ─▶ yaml: tables that know their lines ─▶ models: keys and types ─▶ fleet: profiles, machines, rules ─▶ Config
                                            └──────── every problem found, with file, line and key ─▶ ConfigError

`models` has the keys of each table, `values` says what one value may be.
"""

from __future__ import annotations

from netbootd.config.loader import find, load, load_alone
from netbootd.config.problems import ConfigError, Problem
from netbootd.config.settings import Config, needs_restart

__all__ = ["Config", "ConfigError", "Problem", "find", "load", "load_alone", "needs_restart"]
