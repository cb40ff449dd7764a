// What the pages are made of.

import { announce, fill, h, link, s } from "./dom.js";
import { ago, moment, NOTHING, plural } from "./format.js";

/** The head of a page: where it is, what it is about, what can be done here. */
export function head(crumbs, title, { chips = [], actions = [], lead = null } = {}) {
  document.title = `${title} · forerun`;
  const path = crumbs.length
    ? h(
        "nav",
        { class: "crumbs", "aria-label": "Where this is" },
        crumbs.map(([name, address]) => h("a", { href: address }, name)),
      )
    : null;
  return h(
    "header",
    { class: "head" },
    path,
    h("div", { class: "title" }, h("h1", {}, title), chips, h("div", { class: "actions" }, actions)),
    lead && h("p", { class: "lead" }, lead),
  );
}

/** A section with its heading. */
export function section(title, { note = null, wide = false, tools = [] } = {}, ...children) {
  return h(
    "section",
    { class: wide ? "card wide" : "card" },
    h("div", { class: "card-head" }, h("h2", {}, title), tools),
    note && h("p", { class: "note" }, note),
    children,
  );
}

/** One figure that matters. */
export function tile(name, value, detail = null) {
  return h("div", { class: "tile" }, h("dt", {}, name), h("dd", {}, value, detail && h("small", {}, detail)));
}

export function tiles(...children) {
  return h("dl", { class: "tiles" }, children);
}

export function chip(text, kind = "plain", title = null) {
  return h("span", { class: `chip ${kind}`, title }, text);
}

const STATES = {
  completed: "good",
  succeeded: "good",
  failed: "bad",
  running: "busy",
  queued: "busy",
  stopped: "warn",
};

export function state(name) {
  return chip(name, STATES[name] ?? "plain");
}

/** A time as it reads, with the exact one on it. */
export function time(value) {
  return value ? h("time", { datetime: value, title: moment(value) }, ago(value)) : NOTHING;
}

/** A table; columns are `[name, kind]` with kind "number" for figures. */
export function table(caption, columns, rows, { empty = "Nothing yet." } = {}) {
  if (!rows.length) return h("p", { class: "note" }, empty);
  const cells = (row) =>
    row.map((cell, j) =>
      h(j === 0 ? "th" : "td", { class: columns[j][1] ?? null, scope: j === 0 ? "row" : null }, cell),
    );
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, caption),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          columns.map(([name, kind]) => h("th", { scope: "col", class: kind ?? null }, name)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((row) => h("tr", {}, cells(row))),
      ),
    ),
  );
}

/** Names and values, two columns. */
export function pairs(caption, entries) {
  return table(caption, [["Name"], ["Value", "value"]], entries, { empty: "None." });
}

/** A button that copies a text. */
export function copyButton(text, label = "Copy") {
  const button = h(
    "button",
    {
      type: "button",
      class: "quiet copy",
      onclick: async () => {
        await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
        button.textContent = "Copied";
        announce("Copied");
        setTimeout(() => {
          button.textContent = label;
        }, 1500);
      },
    },
    label,
  );
  return button;
}

export function code(text, label) {
  return h(
    "figure",
    { class: "code" },
    h("figcaption", {}, label, copyButton(text)),
    h("pre", { tabindex: "0" }, h("code", {}, text)),
  );
}

/** One choice among few, as a select with its label. */
export function choice(label, options, chosen, changed) {
  const select = h(
    "select",
    { onchange: () => changed(select.value) },
    options.map((option) => {
      const [value, text] = Array.isArray(option) ? option : [option, option];
      return h("option", { value, selected: value === chosen }, text);
    }),
  );
  return h("label", { class: "choice" }, h("span", {}, label), select);
}

/** Tabs by the pattern of the ARIA guide: arrow keys move, one panel shows. `entries`: [[name, () => content]]. */
export function tabs(label, entries) {
  const panel = h("div", { role: "tabpanel", class: "panel" });
  const buttons = entries.map(([name], i) =>
    h(
      "button",
      {
        type: "button",
        role: "tab",
        onclick: () => show(i),
        onkeydown: (event) => moved(event, i),
      },
      name,
    ),
  );
  function show(i) {
    buttons.forEach((button, j) => {
      button.setAttribute("aria-selected", String(i === j));
      button.tabIndex = i === j ? 0 : -1;
    });
    panel.setAttribute("aria-label", entries[i][0]);
    fill(panel, entries[i][1]());
  }
  function moved(event, i) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = (i + step + entries.length) % entries.length;
    show(next);
    buttons[next].focus();
  }
  show(0);
  return h("div", { class: "tabs" }, h("div", { role: "tablist", "aria-label": label }, buttons), panel);
}

/** 24 hours as bars. */
export function sparkline({ since, counts }) {
  const most = Math.max(1, ...counts);
  const total = counts.reduce((sum, n) => sum + n, 0);
  const start = new Date(since).getTime();
  const bars = counts.map((n, i) => {
    const height = n ? Math.max(2, (30 * n) / most) : 1;
    const hour = new Date(start + i * 3600e3).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    return s(
      "rect",
      { x: i * 10 + 1, y: 32 - height, width: 8, height, rx: 1.5, class: n ? "bar-on" : "bar-off" },
      s("title", {}, `${hour}: ${plural(n, "run")}`),
    );
  });
  return s(
    "svg",
    {
      viewBox: "0 0 240 32",
      class: "sparkline",
      role: "img",
      preserveAspectRatio: "none",
      "aria-label": `${plural(total, "run")} in the last 24 hours, at most ${most} in one`,
    },
    bars,
  );
}

/** A value with its interval, on a scale shared by a column: lower to upper, and where the mean is. */
export function intervalBar({ mean, lower, upper }, [low, high]) {
  const x = (value) => 2 + (116 * (Math.min(high, Math.max(low, value)) - low)) / (high - low || 1);
  return s(
    "svg",
    { viewBox: "0 0 120 14", class: "interval", "aria-hidden": "true" },
    s("line", { x1: 0, x2: 120, y1: 7, y2: 7, class: "rail" }),
    s("rect", { x: x(lower), y: 4, width: Math.max(2, x(upper) - x(lower)), height: 6, rx: 3, class: "band" }),
    s("circle", { cx: x(mean), cy: 7, r: 4, class: "mean" }),
  );
}

/** Where the runs of a page are listed. */
export function runLink(run) {
  return h("a", { href: link("run", { id: run.id }) }, run.run_id);
}
