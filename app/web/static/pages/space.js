// Search spaces: one made from past runs, and a table to build one by hand.

import { fill, h } from "./dom.js";
import { flatten, json } from "./format.js";
import { spreadsLog } from "./maths.js";

// ---------------------------------------------------------------- from past runs

/** A space that spans the hyperparameters and architectures of some runs; null if they have none. */
export function fromRuns(runs) {
  const rows = runs.map(
    (run) =>
      new Map(
        [...flatten(run.hyperparameters), ...flatten(run.architecture, "architecture.")].filter(
          ([, value]) => !Array.isArray(value),
        ),
      ),
  );
  const names = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const specs = names.map((name) => [name, specOf(rows.filter((row) => row.has(name)).map((row) => row.get(name)))]);
  const parents = specs.filter(([name, spec]) => spec.type === "categorical" && rows.every((row) => row.has(name)));
  const first = (name) => (parents.some(([parent]) => parent === name) ? 0 : 1);
  specs.sort(([a], [b]) => first(a) - first(b));
  const parameters = Object.fromEntries(
    specs.map(([name, spec]) => [name, { ...spec, ...condition(name, rows, parents) }]),
  );
  return names.length ? { parameters } : null;
}

function specOf(values) {
  const distinct = [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
  if (distinct.length === 1) return { type: "constant", value: distinct[0] };
  if (!distinct.every((value) => typeof value === "number")) return { type: "categorical", choices: distinct.sort() };
  const type = distinct.every(Number.isInteger) ? "int" : "float";
  const [low, high] = [
    outward(Math.min(...distinct), Math.floor, type),
    outward(Math.max(...distinct), Math.ceil, type),
  ];
  return { type, low, high, ...(spreadsLog([low, high]) ? { log: true } : {}) };
}

/** A bound with two digits, no narrower than what was tried. */
function outward(value, rounding, type) {
  if (type === "int" || value === 0) return value;
  const unit = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 1);
  return Number((rounding(Number((value / unit).toPrecision(12))) * unit).toPrecision(2));
}

/** `when`, where a parameter is there for some values of another alone: always, or else (it may be left out) ever. */
function condition(name, rows, parents) {
  if (rows.every((row) => row.has(name))) return {};
  const found = parents
    .filter(([parent]) => parent !== name)
    .map(([parent, { choices }]) => {
      const active = choices.filter((choice) => rows.some((row) => row.get(parent) === choice && row.has(name)));
      const always = active.every((choice) => rows.every((row) => row.get(parent) !== choice || row.has(name)));
      return { parent, active, always, share: active.length / choices.length };
    })
    .filter(({ share }) => share < 1)
    .sort((a, b) => b.always - a.always || a.share - b.share);
  return found.length ? { when: { [found[0].parent]: found[0].active } } : {};
}

// ---------------------------------------------------------------- by hand

const TYPES = ["float", "int", "categorical", "ordinal", "bool", "constant"];
const FRESH = {
  float: { low: 0, high: 1 },
  int: { low: 1, high: 10 },
  categorical: { choices: ["a", "b"] },
  ordinal: { choices: [1, 2] },
  bool: {},
  constant: { value: 1 },
};

/** A table of parameters; `changed` is given the whole space after every edit. */
export function builder(space, changed) {
  const list = h("div", { class: "builder" });
  const entries = Object.entries(space.parameters ?? {}).map(([name, spec]) => ({ name, spec: whole(spec) }));
  const tell = () =>
    changed({ ...space, parameters: Object.fromEntries(entries.map(({ name, spec }) => [name, spec])) });
  const draw = () =>
    fill(
      list,
      entries.map((entry) =>
        row(entry, tell, draw, () => {
          entries.splice(entries.indexOf(entry), 1);
          tell();
          draw();
        }),
      ),
      h(
        "button",
        {
          type: "button",
          class: "quiet",
          onclick: () => {
            entries.push({ name: freeName(entries), spec: { type: "float", ...FRESH.float } });
            tell();
            draw();
            list.querySelector(".parameter:last-of-type input").focus();
          },
        },
        "+ Add a parameter",
      ),
    );
  draw();
  return list;
}

function freeName(entries) {
  let i = entries.length + 1;
  while (entries.some(({ name }) => name === `parameter_${i}`)) i += 1;
  return `parameter_${i}`;
}

/** Short forms written out: a list is choices, a scalar a constant. */
function whole(spec) {
  if (Array.isArray(spec)) return { type: "categorical", choices: spec };
  return spec !== null && typeof spec === "object" ? spec : { type: "constant", value: spec };
}

function row(entry, tell, draw, remove) {
  const { name, spec } = entry;
  const set = (field, value) => {
    entry.spec = { ...entry.spec, [field]: value };
    tell();
  };
  const type = h(
    "select",
    {
      "aria-label": `Type of ${name}`,
      onchange: () => {
        entry.spec = { type: type.value, ...FRESH[type.value], ...(spec.when ? { when: spec.when } : {}) };
        tell();
        draw();
      },
    },
    TYPES.map((one) => h("option", { selected: one === spec.type }, one)),
  );
  return h(
    "div",
    { class: "parameter", role: "group", "aria-label": `Parameter ${name}` },
    h("input", {
      class: "name",
      value: name,
      "aria-label": "Name",
      spellcheck: "false",
      onchange: (event) => {
        entry.name = event.target.value.trim() || name;
        tell();
        draw();
      },
    }),
    type,
    fields(name, spec, set),
    h("button", { type: "button", class: "quiet", "aria-label": `Remove ${name}`, onclick: remove }, "×"),
    spec.when &&
      h(
        "small",
        { class: "when" },
        `when ${Object.entries(spec.when)
          .map(([parent, values]) => `${parent} is ${[values].flat().map(json).join(" or ")}`)
          .join(" and ")}`,
      ),
  );
}

function fields(name, spec, set) {
  const bound = (field) =>
    h("input", {
      class: "figure",
      type: "text",
      inputmode: "decimal",
      value: String(spec[field] ?? ""),
      "aria-label": `${field} of ${name}`,
      onchange: (event) => set(field, Number(event.target.value)),
    });
  if (spec.type === "float" || spec.type === "int") {
    return h(
      "span",
      { class: "bounds" },
      bound("low"),
      "to",
      bound("high"),
      h(
        "label",
        { class: "tick" },
        h("input", { type: "checkbox", checked: spec.log, onchange: (event) => set("log", event.target.checked) }),
        "log",
      ),
    );
  }
  if (spec.type === "bool") return h("span", { class: "bounds soft" }, "false or true");
  const field = spec.type === "constant" ? "value" : "choices";
  const shown =
    field === "value" ? JSON.stringify(spec.value) : spec.choices.map((choice) => JSON.stringify(choice)).join(", ");
  return h(
    "span",
    { class: "bounds" },
    h("input", {
      class: "choices",
      value: shown,
      "aria-label": `${field} of ${name}`,
      spellcheck: "false",
      onchange: (event) =>
        set(field, field === "value" ? read(event.target.value) : event.target.value.split(",").map(read)),
    }),
  );
}

/** JSON where it is JSON, else the text itself. */
function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text.trim();
  }
}
