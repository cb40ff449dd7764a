// What all figures share: fonts, axes, tooltips. `c` holds the theme's colours.

import { target } from "./format.js";

const FONT = "ui-sans-serif, system-ui, sans-serif";

/** What all figures share. Tooltips are drawn as text in the SVG, never as HTML. */
export function base(c, description, more = {}) {
  return {
    animation: false,
    textStyle: { fontFamily: FONT, color: c.soft },
    aria: { enabled: true, label: { description } },
    grid: { left: 12, right: 20, top: 34, bottom: 30, containLabel: true },
    tooltip: {
      renderMode: "richText",
      confine: true,
      trigger: "item",
      backgroundColor: c.surface,
      borderColor: c.line,
      textStyle: { color: c.ink, fontSize: 12, fontFamily: FONT },
      ...more.tooltip,
    },
    legend: {
      top: 0,
      right: 0,
      itemWidth: 14,
      itemHeight: 8,
      textStyle: { color: c.soft, fontSize: 12 },
      ...more.legend,
    },
  };
}

export function axis(c, name, more = {}) {
  return {
    name,
    nameLocation: "middle",
    nameGap: 28,
    nameTextStyle: { color: c.soft, fontSize: 12 },
    axisLine: { lineStyle: { color: c.line } },
    axisTick: { show: false },
    axisLabel: { color: c.soft, fontSize: 11, hideOverlap: true, ...more.axisLabel },
    splitLine: { lineStyle: { color: c.line, opacity: 0.6 } },
    ...Object.fromEntries(Object.entries(more).filter(([key]) => key !== "axisLabel")),
  };
}

/** The y axis: its name lies on top, so that it can be read. */
export function upright(c, name, more = {}) {
  return axis(c, name, {
    nameLocation: "end",
    nameGap: 12,
    scale: true,
    max: atMostOne,
    ...more,
    nameTextStyle: { color: c.soft, fontSize: 12, align: "left" },
  });
}

/** An axis of shares ends at 1, not at the next round number beyond. */
export function atMostOne({ min, max }) {
  return min >= 0 && max <= 1 && max > 0.8 ? 1 : null;
}

export function labels(name) {
  return { formatter: (value) => target(name, value) };
}
