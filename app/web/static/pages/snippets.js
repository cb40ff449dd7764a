// A question in other forms: to paste into a shell, a script, or a file.

export function curl(url, body, withKey) {
  const key = withKey ? ' \\\n  -H "Authorization: Bearer $FORERUN_KEY"' : "";
  const text = JSON.stringify(body, null, 2).replaceAll("'", "'\\''");
  return `curl -s ${url} \\\n  -H 'Content-Type: application/json'${key} \\\n  -d '${text}'`;
}

export function python(url, body, withKey) {
  const key = withKey ? ', headers={"Authorization": f"Bearer {os.environ[\'FORERUN_KEY\']}"}' : "";
  return `${withKey ? "import os\n\n" : ""}import httpx

question = ${literal(body, 0)}
answer = httpx.post(${JSON.stringify(url)}, json=question, timeout=60${key})
answer.raise_for_status()
for ranked in answer.json()["configurations"]:
    print(ranked["rank"], ranked["configuration"], ranked["predicted"])
`;
}

/** A value as Python writes it. */
function literal(value, depth) {
  const pad = "    ".repeat(depth + 1);
  const flat = flatLiteral(value);
  if (flat.length < 80) return flat;
  const inner = Array.isArray(value)
    ? value.map((one) => `${pad}${literal(one, depth + 1)},\n`)
    : Object.entries(value).map(([name, one]) => `${pad}${JSON.stringify(name)}: ${literal(one, depth + 1)},\n`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return typeof value === "object" ? `${open}\n${inner.join("")}${"    ".repeat(depth)}${close}` : flat;
}

function flatLiteral(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(flatLiteral).join(", ")}]`;
  if (typeof value === "object")
    return `{${Object.entries(value)
      .map(([name, one]) => `${JSON.stringify(name)}: ${flatLiteral(one)}`)
      .join(", ")}}`;
  return JSON.stringify(value);
}

/** Block YAML; scalars and keys as JSON writes them, which YAML reads as the same. */
export function yaml(value, indent = "") {
  if (Array.isArray(value) && value.some((one) => one !== null && typeof one === "object"))
    return value.map((one) => `${indent}- ${yaml(one, `${indent}  `).trimStart()}`).join("");
  if (value !== null && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length)
    return Object.entries(value)
      .map(([name, one]) =>
        nests(one)
          ? `${indent}${bare(name)}:\n${yaml(one, `${indent}  `)}`
          : `${indent}${bare(name)}: ${JSON.stringify(one)}\n`,
      )
      .join("");
  return `${indent}${JSON.stringify(value)}\n`;
}

function nests(value) {
  if (Array.isArray(value)) return value.some((one) => one !== null && typeof one === "object");
  return value !== null && typeof value === "object" && Object.keys(value).length > 0;
}

function bare(name) {
  return /^[A-Za-z_][\w.-]*$/.test(name) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(name)
    ? name
    : JSON.stringify(name);
}
