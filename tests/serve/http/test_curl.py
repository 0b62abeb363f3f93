"""curl as a client that is not ours: it knows resuming, conditions and HEAD better than a test would."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.bootsite import BOTH_WAYS, Site
from tests.support.tls import own
from tests.support.tools import need

pytestmark = BOTH_WAYS


@pytest.fixture(autouse=True)
def _curl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It trusts the certificate and no other."""
    need("curl")
    (tmp_path / "trusted.pem").write_text(own()[1])
    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "trusted.pem"))


BODY = b"".join(number.to_bytes(4, "big") for number in range(1 << 18))  # 1 MiB


async def curl(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "curl", "--silent", "--show-error", "--noproxy", "*", *arguments, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    return printed.decode("latin-1")


CODE = ("-w", "%{http_code} %{size_download}")


@pytest.fixture
def url(site: Site) -> str:
    site.file("eve/rootfs.img", BODY)
    return f"{site.url}/artifacts/eve/rootfs.img"


async def test_it_downloads_the_file(url: str, tmp_path: Path) -> None:
    assert await curl("-o", str(tmp_path / "got"), *CODE, url) == f"200 {len(BODY)}"
    assert (tmp_path / "got").read_bytes() == BODY


async def test_it_resumes_a_download(url: str, tmp_path: Path) -> None:
    (tmp_path / "got").write_bytes(BODY[:300_000])
    assert await curl("-C", "-", "-o", str(tmp_path / "got"), *CODE, url) == f"206 {len(BODY) - 300_000}"
    assert (tmp_path / "got").read_bytes() == BODY


async def test_it_does_not_resume_into_another_file(site: Site, url: str, tmp_path: Path) -> None:
    """The whole new file comes instead, and curl says it cannot be appended."""
    await curl("--etag-save", str(tmp_path / "etag"), "-o", "/dev/null", url)
    etag = (tmp_path / "etag").read_text().strip()
    site.file("eve/rootfs.img", BODY[::-1])
    assert await curl("-r", "300000-", "-H", f"If-Range: {etag}", "-o", "/dev/null", *CODE, url) == f"200 {len(BODY)}"


async def test_it_asks_for_the_headers_alone(url: str) -> None:
    headers = await curl("--head", url)
    assert headers.startswith("HTTP/1.1 200 OK\r\n")
    assert f"\r\nContent-Length: {len(BODY)}\r\n" in headers


async def test_it_asks_for_several_ranges_and_gets_the_whole(url: str) -> None:
    assert await curl("-r", "0-1,5-6", "-o", "/dev/null", *CODE, url) == f"200 {len(BODY)}"


async def test_it_asks_only_if_the_file_changed(url: str, tmp_path: Path) -> None:
    etag = str(tmp_path / "etag")
    await curl("--etag-save", etag, "-o", "/dev/null", url)
    assert await curl("--etag-compare", etag, "-o", "/dev/null", *CODE, url) == "304 0"
    assert await curl("-z", "1 Jan 2099", "-o", "/dev/null", *CODE, url) == "304 0"


async def test_it_asks_for_compression_and_gets_the_file_as_it_is(url: str) -> None:
    assert await curl("--compressed", "-o", "/dev/null", *CODE, url) == f"200 {len(BODY)}"


async def test_it_speaks_http_1_0(url: str) -> None:
    assert await curl("--http1.0", "-o", "/dev/null", *CODE, url) == f"200 {len(BODY)}"


async def test_it_sends_a_body_and_is_told_what_is_allowed(url: str) -> None:
    assert await curl("-d", "x" * 5000, "-o", "/dev/null", *CODE, url) == "405 18"


async def test_it_cannot_climb(site: Site) -> None:
    for path in ("artifacts/../../etc/passwd", "artifacts/eve/..%2f..%2f..%2fetc/passwd", "../etc/passwd"):
        assert (await curl("--path-as-is", "-o", "/dev/null", *CODE, f"{site.url}/{path}")).startswith("404 ")
