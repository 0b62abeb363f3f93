"""Find the settings file, read it, and tell everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from netbootd.config.certificate import Tls
from netbootd.config.check import checked
from netbootd.config.fleet import read_fleet
from netbootd.config.models import Settings
from netbootd.config.problems import Place, Problems, said
from netbootd.config.settings import Config
from netbootd.config.values import is_local
from netbootd.config.yaml import Table, line_of, read
from netbootd.fleet.snapshot import Snapshot

BESIDE = Path("configs/netbootd.yaml")
SYSTEM = Path("/etc/netbootd/netbootd.yaml")
_STATE = Path("/var/lib/netbootd")


def find(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """The settings file to use: ``-c``, ``$NETBOOTD_CONFIG``, ``./configs/netbootd.yaml``, ``/etc/netbootd/``; None
    for the defaults.  One that is named is returned even if it does not exist, so that `load` says so."""
    if explicit is not None:
        return explicit
    if named := environ.get("NETBOOTD_CONFIG"):
        return Path(named)
    return next((path for path in (cwd / BESIDE, SYSTEM) if path.exists()), None)


def load(path: Path | None, *, profile: str | None = None, interfaces: Sequence[str] = ()) -> Config:
    """The settings in ``path`` (None: the defaults), with ``profile`` over ``unknown`` and ``interfaces`` over the
    key of that name.  Raises `ConfigError` with every problem found."""
    problems = Problems()
    top = _top(path, problems)
    problems.raise_errors()
    settings = checked(Settings, top, "", problems)
    base = path.parent if path else None
    public = (base or Path()) / (settings or Settings()).artifacts
    snapshot = _fleet(top, base, profile, public, problems)
    if settings:
        _ports(settings, top, problems)
        _hidden(settings, top, base, public, problems)
    tls = _tls(settings, top, base, public, problems) if settings else None
    problems.raise_errors()
    assert settings is not None, "a model that is missing has said why"
    _doubt(settings, top, problems)
    return _config(path, settings, tls, snapshot, tuple(interfaces), problems)


def load_alone(path: Path | None) -> Config:
    """The settings without profiles, machines and rules, for whoever speaks to a daemon that runs: with what these
    were when they were right, and what is wrong with them now need not keep anybody from leaving a machine to its disk.
    Raises `ConfigError`."""
    problems = Problems()
    top = _top(path, problems)
    settings = checked(Settings, top, "", problems)
    problems.raise_errors()
    assert settings is not None, "a model that is missing has said why"
    return _config(path, settings, None, Snapshot(), (), problems)


def _ports(settings: Settings, top: Table, problems: Problems) -> None:
    """Each is bound for one thing; 0 is another one every time."""
    http, admin, tls = settings.http, settings.admin, settings.http.tls
    wanted = [
        ("http.port", http.port),
        *([] if isinstance(admin.listen, Path) else [("admin.listen", admin.listen[1])]),
        *([("http.tls.port", tls.port)] if tls else []),
    ]
    seen: dict[int, str] = {}
    for key, port in wanted:
        if port and seen.setdefault(port, key) != key:
            place = Place(top.file, line_of(top, tuple(key.split("."))), key)
            problems.error(place, f"port {port} is {seen[port]} too; choose another")


def _hidden(settings: Settings, top: Table, base: Path | None, public: Path, problems: Problems) -> None:
    """What lies under ``artifacts`` anybody can fetch."""
    token = _token_file(settings, (base or Path()).absolute())
    if token is not None and token.resolve().is_relative_to(public.resolve()):
        place = Place(top.file, line_of(top, ("admin", "token_file"), line_of(top, ("admin",))), "admin.token_file")
        problems.error(place, f"{token} is under artifacts, where anybody can fetch it; name a file elsewhere")


def _tls(settings: Settings, top: Table, base: Path | None, public: Path, problems: Problems) -> Tls | None:
    """Where its files are; they are read when they are needed, by who may read them."""
    keys = settings.http.tls
    if keys is None:
        return None
    own = (base or Path()).absolute()
    certificate, key = own / keys.certificate, own / keys.key if keys.key else None
    places = [
        Place(top.file, line_of(top, ("http", "tls", each)), f"http.tls.{each}") for each in ("certificate", "key")
    ]
    secret, place = (key, places[1]) if key else (certificate, places[0])
    if secret.resolve().is_relative_to(public.resolve()):
        problems.error(place, f"{secret} lies under artifacts, where anybody can fetch it: keep it elsewhere")
    return Tls(keys.port, certificate, key, *places)


def _doubt(settings: Settings, top: Table, problems: Problems) -> None:
    """What may be meant, and leaves most machines without an answer."""
    if settings.dhcp.mode == "off":
        return
    if settings.tftp.mode == "off":
        place = Place(top.file, line_of(top, ("tftp", "mode")), "tftp.mode")
        problems.warn(place, "firmware that boots by PXE loads by TFTP alone and gets no answer; UEFI HTTP Boot does")
    if settings.listen and settings.listen.startswith("127.") and not settings.advertise:
        place = Place(top.file, line_of(top, ("listen",)), "listen")
        problems.warn(place, f"no machine can come back to {settings.listen}; name how it can with advertise")


def _top(path: Path | None, problems: Problems) -> Table:
    if path is None:
        return Table("the defaults", 1)
    value = read(path, problems)
    if isinstance(value, Table):
        return value
    if value is not None:
        problems.error(Place(str(path), 1), f"must hold keys and values, not {said(value)}")
    return Table(str(path), 1)


def _fleet(top: Table, base: Path | None, profile: str | None, public: Path, problems: Problems) -> Snapshot:
    if profile is not None:
        return read_fleet(top, base, profile, Place("--profile", None), problems, public)
    raw = top.get("unknown")
    unknown = raw if isinstance(raw, str) else Settings().unknown
    return read_fleet(top, base, unknown, Place(top.file, line_of(top, ("unknown",)), "unknown"), problems, public)


def _config(
    path: Path | None,
    settings: Settings,
    tls: Tls | None,
    snapshot: Snapshot,
    interfaces: tuple[str, ...],
    problems: Problems,
) -> Config:
    base = (path.parent if path else Path()).absolute()
    return Config(
        path=path,
        interfaces=interfaces or settings.interfaces,
        advertise=settings.advertise,
        listen=settings.listen,
        dhcp_mode=settings.dhcp.mode,
        overhear=settings.dhcp.overhear == "auto",
        tftp_mode=settings.tftp.mode,
        tftp_port=settings.tftp.port,
        single_port=settings.tftp.single_port,
        http_port=settings.http.port,
        public_url=settings.http.public_url,
        trusted_proxies=settings.http.trusted_proxies,
        tls=tls,
        stall_timeout=settings.http.stall_timeout,
        admin_listen=settings.admin.listen,
        token_file=_token_file(settings, base),
        token_networks=settings.tokens.networks,
        token_lasts=settings.tokens.lasts,
        state=_database(settings.state, base),
        artifacts=base / settings.artifacts,
        firmware=tuple(base / each for each in settings.firmware),
        templates=base / settings.templates if settings.templates else None,
        unknown=snapshot.unknown,
        loop=settings.loop,
        log_format=settings.log.format,
        log_level=settings.log.level,
        syslog_port=settings.syslog.port if settings.syslog.mode == "on" else None,
        traces=settings.traces.endpoint,
        user=settings.user,
        snapshot=snapshot,
        warnings=problems.warnings(),
    )


def _token_file(settings: Settings, base: Path) -> Path | None:
    """Beside the state, where nothing else is said and somebody may come from another machine."""
    if settings.admin.token_file:
        return base / settings.admin.token_file
    if is_local(settings.admin.listen):
        return None
    scheme, _, file = _database(settings.state, base).partition(":///")
    return (Path(file).parent if scheme.startswith("sqlite") else _STATE) / "admin.token"


def _database(url: str, base: Path) -> str:
    """SQLite's three slashes and a name mean a relative path, which is relative to the settings file here."""
    scheme, _, name = url.partition(":///")
    if not scheme.startswith("sqlite") or not name or name.startswith(("/", ":memory:", "file:")):
        return url
    return f"{scheme}:///{base / name}"
