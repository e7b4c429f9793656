"""Names of the building machine, from settings made here."""

from __future__ import annotations

from pathlib import Path

from benchmarks.image.machine import hosts_in, names_of_this_machine
from tests.conftest import REPOSITORY


def test_hosts_of_apt_pip_and_the_environment(tmp_path: Path) -> None:
    settings = {
        "etc/apt/sources.list": "deb [arch=amd64] http://a.example.org:8080/debian bookworm main\n# http://comment.example.org\n",
        "etc/apt/sources.list.d/b.sources": "Types: deb\nURIs: https://b.example.org/debian http://deb.debian.org/debian\n",
        "etc/apt/sources.list.d/off.list.disabled": "deb http://off.example.org/ x",
        "etc/apt/apt.conf.d/99proxy": 'Acquire::http::Proxy "http://c:3128/";\n// http://comment.example.org\n',
        "etc/xdg/pip/pip.conf": "[global]\nindex-url = https://user:word@d.example.org/simple\n",
        "home/.config/pip/pip.conf": "[global]\nfind-links = file:///srv/wheels\nextra-index-url = http://[2001:db8::1]/simple https://pypi.org/simple\n",
    }
    for name, text in settings.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    variables = {
        "HOME": str(tmp_path / "home"),
        "PIP_FIND_LINKS": "https://e.example.org/wheels",
        "https_proxy": "http://f.example.org:3128",
        "UV_DEFAULT_INDEX": "https://g.example.org",
        "EDITOR_PAGE": "https://other.example.org",
    }
    hosts = {*(f"{letter}.example.org" for letter in "abdefg"), "c", "[2001:db8::1]"}
    found = names_of_this_machine(variables, tmp_path)
    assert hosts <= set(found) and {"/srv/wheels", str(REPOSITORY)} <= set(found)
    assert not {"off.example.org", "comment.example.org", "other.example.org", "pypi.org", "user"} & set(found)


def test_public_hosts_are_no_secret() -> None:
    assert hosts_in(["https://pypi.org/simple", "deb http://deb.debian.org/debian", "http://localhost:3128", "no address"]) == set()
