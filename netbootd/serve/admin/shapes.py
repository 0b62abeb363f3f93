"""What the API answers, as models: its JSON and its description are both made of these.

Times are ISO 8601 in UTC, sizes bytes.  Nothing here holds a secret, a token or a password.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Stage = Literal["armed", "given", "disarmed", "held"]
State = Literal["discovered", "approved", "armed", "installing", "installed", "failed", "local"]


class Shape(BaseModel):
    """A JSON object with just these keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


class Origin(Shape):
    """Who says so: a file (where: file and line), somebody by the API (where: who), or the machine itself."""

    origin: Literal["file", "api", "seen"]
    where: str


class Argument(Shape):
    """An argument of the kernel.  No values: a bare flag; null: an inherited one is taken away."""

    key: str
    values: list[str] | None
    origin: Literal["file", "api", "seen"]
    where: str


class Ended(Shape):
    """How the last installation ended, and how that is known."""

    done: bool
    at: str
    signal: Literal["told", "plain_dhcp", "pxe_again", "timeout"]
    detail: str


class Asked(Shape):
    """A DHCP question, and what became of it."""

    message: str
    port: int = Field(description="67, or 4011 of the second question to a boot server.")
    client: str
    arch: str | None
    server: str | None = Field(description="The server it was meant for (option 54).")
    offered: str | None = Field(description="The boot file of our answer; null: there was none.")


class Transfer(Shape):
    """How a file went out, all repetitions together."""

    via: str = Field(description="tftp, http or https.")
    size: int = Field(description="Of the whole file; 0: not known.")
    sent: int = Field(description="At the latest try.")
    seconds: float
    rate: float = Field(description="Bytes a second.")
    blksize: int = Field(description="Of TFTP, as windowsize and retransmits.")
    windowsize: int
    retransmits: int


class Step(Shape):
    """One thing that happened in a boot, or several that differ in nothing."""

    stage: Literal["firmware", "loader", "ipxe", "script", "file", "payload", "local", "system", "again", "said", "end"]
    at: str
    last: str
    after: float = Field(description="Seconds from the boot's first packet to this.")
    until: float = Field(description="To the last of them, where it happened several times.")
    times: int
    bytes: int
    detail: str
    trouble: bool
    file: str | None
    reason: str | None = Field(description="A name that stays the same for what went otherwise than well.")
    asked: Asked | None
    transfer: Transfer | None


class Progress(Shape):
    """A file on its way, as it was ``quiet`` seconds ago."""

    file: str
    via: str
    sent: int
    size: int
    seconds: float = Field(description="Since it began.")
    rate: float = Field(description="Bytes a second, of late.")
    quiet: float


class Diagnosis(Shape):
    """Why a boot stopped, as far as the evidence goes."""

    cause: str = Field(description="A name that stays the same.")
    sentence: str
    advice: str = Field(description="What to do, in lines; what is to be pasted stands in lines of its own.")
    evidence: list[str]
    at: str


class Machine(Shape):
    """One machine: what a file says of it, what is on record, and where it stands."""

    id: str | None = Field(description="Of its record; null: there is none.")
    mac: str | None = Field(description="The first of its cards.")
    macs: list[str]
    name: str | None
    profile: str | None = Field(description="What it has now, by whomever: a file, the API, a rule, or as unknown.")
    assigned: str = Field(description="Why it has that profile.")
    boots: Literal["once", "always"] | None
    state: State
    state_why: str
    state_since: str | None
    until: str | None = Field(description="When it counts as failed unless something happens.")
    confidence: Literal["certain", "likely", "possible", "assumed"] | None = Field(
        description="Of installed and failed."
    )
    ended: Ended | None
    stage: Stage | None = Field(description="As recorded; null: never armed.")
    since: str | None
    by: str | None
    waiting: bool = Field(description="It would boot from the network if somebody armed it.")
    netboot: bool = Field(description="It gets its payload if it asks now.")
    why: str
    fetching: bool
    uuid: str | None
    serial: str | None
    asset: str | None
    manufacturer: str | None
    product: str | None
    arch: str | None
    platform: str | None
    ipxe: str | None
    addresses: list[str] = Field(description="The latest first.")
    first_seen: str | None
    last_seen: str | None
    soft_serial: str | None
    local: str | None = Field(description="How it is left to its own disk, by its own setting or its profile's.")
    approved: str | None = Field(description="By whom: a person, or the file that lists it.")
    args: list[Argument] = Field(description="Its own, over those of its profile.")
    origins: dict[str, Origin] = Field(description="Who says the value of each of these keys.")
    trouble: Diagnosis | None = Field(description="What is wrong with its latest boot, the worst of it.")
    last_stage: Step | None = Field(description="What happened last in its latest boot.")
    progress: Progress | None = Field(description="What it fetches now, if that takes more than a second.")
    conflict: str | None = Field(description="What other records claim of this machine, for a person to settle.")


class Boot(Shape):
    """One boot, from the first packet to what became of it."""

    id: str
    mac: str
    profile: str | None
    started: str
    last: str
    seconds: float = Field(description="From the first packet to the last.")
    outcome: Literal["running", "payload", "local", "installed", "failed", "abandoned"]
    bytes: int
    retransmits: int = Field(description="Packets of TFTP sent again.")
    files: list[str] = Field(description="What its script has it fetch from here, in that order.")
    generation: int = Field(description="Of the arming it installs by; 0: none.")
    steps: list[Step]
    left_out: int = Field(description="Steps there was no room for.")
    diagnoses: list[Diagnosis] = Field(description="What went wrong in it, the worst first.")


class Limits(Shape):
    """How long an installation may take, in seconds."""

    fetching: float = Field(description="Without any request, before all of the payload has gone out.")
    installing: float = Field(description="After that, until a sign that it is over.")
    quiet: float = Field(description="What is asked for sooner after the last byte is the installer's own request.")
    powers_off: bool = Field(description="Silence at its end is a success.")


class Profile(Shape):
    """What a group of machines boots."""

    name: str
    payload: str
    boots: Literal["once", "always"]
    auto: bool
    local: str
    label: str
    provider: str
    bundle: str | None
    args: list[Argument]
    limits: Limits | None = Field(description="Null for one that boots always.")
    machines: int = Field(description="How many have it because a file says so.")
    origin: str


class Bundle(Shape):
    """A version of a system under ``artifacts``, as the daemon has read it."""

    name: str
    names: list[str]
    directory: str
    arch: str | None
    version: str | None
    notes: list[str]
    profiles: list[str] = Field(description="Those that boot it.")


class Row(Shape):
    """A machine in the table to take elsewhere."""

    name: str | None
    soft_serial: str | None
    serial: str | None
    uuid: str | None
    mac: str | None
    manufacturer: str | None
    model: str | None
    profile: str | None
    release: str | None
    state: str | None


class Status(Shape):
    """How much there is in memory, and what there was no room for since the daemon started."""

    machines: int = Field(description="On record.")
    boots: int
    transfers: int = Field(description="Machines and addresses that fetch something, for longer than a second.")
    readers: int = Field(description="Of the events.")
    dropped: int = Field(description="Machines, and boots under way, that were pushed out by others.")


class ProblemDetails(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str


def when(at: float | None) -> str | None:
    """Seconds since the epoch as the API says them."""
    return None if at is None else moment(at)


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
