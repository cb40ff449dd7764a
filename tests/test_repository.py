"""What may stand in the repository, and what must be said in it."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
from packaging.version import Version

from app.config import Settings, variable

ROOT = Path(__file__).parents[1]
TOP_LEVEL = {
    "pyproject.toml", "app", "migrations", "tests", "docker", "docker-compose.yml", "openapi", "README.md", "Makefile",
    "LICENSE",
}  # fmt: skip

# Character classes keep these patterns from finding themselves.
REGISTRY = re.compile(r"\b[a-z0-9.-]*(p[y]pi\.(org|io)|python[h]osted|npm[j]s\.|crat[e]s\.io|gh[c]r\.io|qu[a]y\.io)")
MACHINE_PATH = re.compile(r"(?<![\w.}])/(w[o]rk|f[a]rm|ro[o]t|h[o]me|Us[e]rs|tmp/bash[_]jobs|opt/p[y]pi)/\w")
VENDORED = "app/web/static/vendor/"


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that is or would be committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def texts() -> list[tuple[str, str]]:
    pairs = [(path.relative_to(ROOT).as_posix(), path.read_bytes()) for path in tracked()]
    return [(name, content.decode()) for name, content in pairs if b"\0" not in content and VENDORED not in name]


def test_the_top_level_holds_what_it_should() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


@pytest.mark.parametrize("pattern", [REGISTRY, MACHINE_PATH], ids=["registry host", "path of a machine"])
def test_no_file_names(pattern: re.Pattern[str]) -> None:
    found = [f"{name}: {match.group()}" for name, text in texts() if (match := pattern.search(text))]
    assert not found


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (REGISTRY, "see https://files.python" + "hosted.org/x"),
        (REGISTRY, "--index-url https://py" + "pi.org/simple"),
        (MACHINE_PATH, "open('/ro" + "ot/x')"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


def test_locks_name_no_place_and_hash_everything() -> None:
    locks = sorted((ROOT / ".locks").glob("*.txt"))
    assert [lock.stem for lock in locks] == ["demo", "dev", "generators", "peers", "run", "uv"]
    for lock in locks:
        text = lock.read_text()
        assert "://" not in text
        assert "--find-links" not in text
        entries = re.split(r"\n(?=\S)", text.strip())
        assert all("--hash=sha256:" in entry for entry in entries)


def test_what_is_tested_is_what_runs() -> None:
    run, dev = pins("run"), pins("dev")
    assert run
    assert run.items() <= dev.items()


def test_locks_know_every_requirement() -> None:
    """After a change of pyproject.toml: `make lock`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    run = extras["otel"]
    wanted = {"run": run, "demo": run + extras["demo"], "dev": run + extras["demo"] + extras["dev"]}
    for lock, more in wanted.items():
        locked = {name.partition(" ")[0] for name in pins(lock)}
        names = {re.split(r"[^A-Za-z0-9_.-]", requirement)[0] for requirement in project["dependencies"] + more}
        assert {re.sub("[._]", "-", name.lower()) for name in names} <= locked


NEVER_RELEASED = {
    "cwevals",  # wandb's
    "opentelemetry-exporter-http-transport",  # OpenTelemetry's SDK, stable itself, pins betas of these three
    "opentelemetry-exporter-otlp-common",
    "opentelemetry-semantic-conventions",
}
"""Requirements of released packages that have no release of their own."""


@pytest.mark.parametrize("lock", ["demo", "dev", "run", "uv"])
def test_locks_hold_releases_and_nothing_else(lock: str) -> None:
    """Each line that is not a hash pins one released version: no address, path or option."""
    named = [line for line in (ROOT / ".locks" / f"{lock}.txt").read_text().splitlines() if line[:1].strip()]
    assert len(named) == len(pins(lock))
    early = {pin for pin, version in pins(lock).items() if Version(version).is_prerelease}
    assert early <= NEVER_RELEASED


FREE = re.compile(r"(MIT|BSD|Apache|ISC|MPL|PSF|Python Software Foundation|LGPL|Zlib|0BSD|CC0)")
"""What a service may be put together from and passed on; LGPL (psycopg) and MPL as long as they stay as they are."""
BOUND = re.compile(r"(?<!L)(?<!Lesser )GPL|Affero|SSPL|Proprietary|Commercial|Commons Clause", re.IGNORECASE)


def test_licences_are_free_ones() -> None:
    """Of what is installed of that which runs; a package for another platform is not there to be asked."""
    installed = {d.name.lower().replace("_", "-"): d for d in distributions() if d.name}
    locked = {pin.partition(" ")[0] for pin in pins("run")}
    told = {name: licence(installed[name]) for name in locked & installed.keys()}
    assert len(told) > len(locked) / 2
    assert {name: text for name, text in told.items() if not FREE.search(text) or BOUND.search(text)} == {}


def licence(distribution: Distribution) -> str:
    told = distribution.metadata
    classified = [c for c in told.get_all("Classifier") or [] if c.startswith("License ::")]
    return told["License-Expression"] or "; ".join(classified) or (told["License"] or "")[:200]


@pytest.mark.parametrize("text", ["GPL-3.0-only", "AGPL-3.0", "GNU Affero", "Proprietary", "MIT AND GPL-2.0"])
def test_licences_that_bind_are_found(text: str) -> None:
    assert BOUND.search(text)
    assert not BOUND.search("LGPL-3.0-only")


def test_what_a_linter_is_told_to_leave_has_its_reason_beside_it() -> None:
    bare = re.compile(r"# (n[o]qa|type: ig[n]ore)[^#\n]*$", re.MULTILINE)
    found = [f"{name}: {match[0]}" for name, text in texts() if name.endswith(".py") for match in bare.finditer(text)]
    assert found == []


def pins(lock: str) -> dict[str, str]:
    """Requirement, with its marker, to version."""
    lines = (ROOT / ".locks" / f"{lock}.txt").read_text().splitlines()
    found = (re.match(r"([a-z0-9_.-]+)(?:\[[^\]]*\])?==([^ ;]+)( ;[^\\]*)?", line) for line in lines)
    return {match[1] + (match[3] or ""): match[2] for match in found if match}


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_is_documented(field: str) -> None:
    readme = (ROOT / "README.md").read_text()
    row = re.search(rf"^\| `{variable(field)}` \|(.*)$", readme, re.MULTILINE)
    assert row, (
        f"{variable(field)} is not in README.md; `python -c 'from app.config import *; print(settings_table())'`"
    )
    assert (Settings.model_fields[field].description or "no description") in row[1]


REFUSED_MODULES = {"pickle", "cloudpickle", "joblib", "dill", "marshal", "shelve", "yaml", "xml", "jinja2", "telnetlib"}
REFUSED_CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.execv", "os.execvp", "subprocess.getoutput",
    "subprocess.getstatusoutput", "tempfile.mktemp", "numpy.frompyfunc", "ssl._create_unverified_context",
}  # fmt: skip
REFUSED_ARGUMENTS = {("shell", True), ("allow_pickle", True), ("verify", False), ("autoescape", False)}


def test_nothing_is_unpickled_or_evaluated() -> None:
    """A model or an expression that came over the wire must never become code, nor a page, nor a command."""
    sources = [(name, text) for name, text in texts() if name.startswith("app/") and name.endswith(".py")]
    assert [found for name, text in sources for found in dangers(name, text)] == []


def dangers(name: str, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            modules = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
            if {module.partition(".")[0] for module in modules} & REFUSED_MODULES:
                yield f"{name}:{node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.Call):
            given = {(a.arg, a.value.value) for a in node.keywords if isinstance(a.value, ast.Constant)}
            if ast.unparse(node.func) in REFUSED_CALLS or given & REFUSED_ARGUMENTS:
                yield f"{name}:{node.lineno}: {ast.unparse(node)[:80]}"


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "eval('1')",
        "os.system('x')",
        "subprocess.run('x', shell=True)",
        "np.load(f, allow_pickle=True)",
        "httpx.get(u, verify=False)",
        "Environment(autoescape=False)",
    ],
)
def test_dangers_are_found(code: str) -> None:
    assert list(dangers("x.py", code))


# Again in character classes.
SECRETS = {
    "private key": r"-----BEGI[N] [A-Z ]*PRIVATE KEY",
    "AWS key": r"\b(AK[I]A|AS[I]A)[0-9A-Z]{16}\b",
    "GitHub token": r"\bgh[opsur]_[A-Za-z0-9]{36}|github_p[a]t_\w{22}",
    "GitLab token": r"\bgl[p]at-[\w-]{20}",
    "Slack token": r"\bxo[x][abprs]-[\w-]{10}",
    "Google key": r"\bAI[z]a[\w-]{35}",
    "OpenAI or Stripe key": r"\b(s[k]|p[k]|r[k])[-_](live|proj|ant|test)[-_][\w-]{16}",
    "JSON web token": r"\bey[J][\w-]{10,}\.ey[J][\w-]{10,}\.[\w-]{10,}",
    "registry token": r"\bpyp[i]-[\w-]{50}|\bnp[m]_[A-Za-z0-9]{36}",
    "password in an address": r"\w://[\w.-]+:(?!password\b|secret\b|p%40ss|\$\{|forerun\b)[^\s:@/{}<>'\"]{6,}@[\w.-]",
    "password in a setting": r"(?i)\b(passw[o]rd|secret|api[_-]?key)\b[\"']?\s*[:=]\s*[\"'][A-Za-z0-9+/_-]{20,}[\"']",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_no_file_holds_a_secret(kind: str) -> None:
    found = [f"{name}: {match.group()[:12]}..." for name, text in texts() for match in re.finditer(SECRETS[kind], text)]
    assert not found


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("private key", "-----BEGIN" + " RSA PRIVATE KEY-----"),
        ("AWS key", "AKI" + "A" + "ABCDEFGHIJKLMNOP"),
        ("GitHub token", "gh" + "p_" + "a" * 36),
        ("password in an address", "postgresql://user:" + "hunter2hunter2@db.example"),
        ("password in a setting", "api_key = '" + "a1" * 12 + "'"),
    ],
)
def test_secrets_are_found(kind: str, text: str) -> None:
    assert re.search(SECRETS[kind], text)
