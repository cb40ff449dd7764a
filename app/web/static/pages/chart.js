// A figure on a page: drawn once it is there, drawn anew when the theme or its width changes, with its table behind it.

import { fill, h } from "./dom.js";
import { table } from "./parts.js";

const NAMES = ["ink", "soft", "faint", "line", "surface", "accent", "predicted", "third", "fourth", "fifth"];
const drawn = new Set();
let library = null;

/** The theme's colours as the browser resolves them. */
function colors() {
  const probe = h("span", { hidden: true });
  document.body.append(probe);
  const found = Object.fromEntries(
    NAMES.map((name) => {
      probe.style.setProperty("color", `var(--${name})`);
      return [name, getComputedStyle(probe).color];
    }),
  );
  probe.remove();
  return { ...found, series: [found.accent, found.predicted, found.third, found.fourth, found.fifth] };
}

/** `option(colors)` gives ECharts options; `rows` under `columns` are the same values as a table. */
export function chart(label, option, { columns, rows, height = "normal" }) {
  const canvas = h("div", { class: `chart ${height}` });
  const body = h("div", {});
  const details = h(
    "details",
    {
      class: "behind",
      ontoggle: () => {
        if (details.open && !body.firstChild) fill(body, table(label, columns, rows));
      },
    },
    h("summary", {}, "Show as a table"),
    body,
  );
  draw(canvas, option);
  return h("figure", { class: "figure", "aria-label": label }, canvas, details);
}

async function draw(canvas, option) {
  library ??= import("./echarts.js");
  const { init } = await library;
  await laidOut(canvas);
  const entry = { canvas, option, instance: init(canvas, null, { renderer: "svg" }) };
  entry.instance.setOption(option(colors()));
  drawn.add(entry);
  watching.observe(canvas);
}

/** Charts need a width, which an element has once it is on the page. */
function laidOut(canvas) {
  return new Promise((resolve) => {
    const seen = new ResizeObserver(() => {
      if (!canvas.clientWidth) return;
      seen.disconnect();
      resolve();
    });
    seen.observe(canvas);
  });
}

const watching = new ResizeObserver((entries) => {
  for (const { target } of entries)
    for (const entry of drawn) if (entry.canvas === target && target.clientWidth) entry.instance.resize();
});

/** After a change of theme: the same figures in its colours. Those that left the page are let go. */
export function redraw() {
  const now = colors();
  for (const entry of [...drawn]) {
    if (entry.canvas.isConnected) entry.instance.setOption(entry.option(now), true);
    else release(entry);
  }
}

function release(entry) {
  watching.unobserve(entry.canvas);
  entry.instance.dispose();
  drawn.delete(entry);
}
