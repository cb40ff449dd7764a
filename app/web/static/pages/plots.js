// Values to figures: each function gives ECharts options and knows nothing of the page. `c` holds the theme's colours.
// Here what tells of a meta-learner.

import { axis, base, upright } from "./figure.js";
import { number, percent } from "./format.js";

/** Quality of each version. `versions`: [{version, rank_correlation, first_pick, champion}]. */
export function qualityOverVersions(c, versions) {
  const line = (name, field, color, symbol) => ({
    name,
    type: "line",
    symbol,
    symbolSize: 9,
    lineStyle: { color, width: 2 },
    itemStyle: { color },
    data: versions.map((v) => [String(v.version), v[field] ?? null]),
    connectNulls: true,
  });
  return {
    ...base(c, "Rank correlation and regret of the first pick, by version, on datasets the version had not seen"),
    tooltip: {
      ...base(c, "").tooltip,
      formatter: (p) => `version ${p.value[0]}\n${p.seriesName}: ${number(p.value[1])}`,
    },
    xAxis: axis(c, "version", { type: "category", data: versions.map((v) => String(v.version)) }),
    yAxis: upright(c, "", { min: (v) => Math.min(0, v.min), max: 1 }),
    series: [
      line("rank correlation (higher is better)", "rank_correlation", c.accent, "circle"),
      line("regret of the first pick (lower is better)", "first_pick", c.predicted, "diamond"),
    ],
  };
}

const METHODS = { meta_learner: "forerun", random: "random", average_rank: "average rank", portfolio: "portfolio" };

export function methodName(name) {
  return METHODS[name] ?? name.replaceAll("_", " ");
}

/** Regret after k picks, by method. `regret`: {method: {k: value}}. */
export function regretByMethod(c, regret) {
  const methods = Object.keys(regret).sort((a, b) => (b === "meta_learner") - (a === "meta_learner"));
  const ks = [...new Set(methods.flatMap((method) => Object.keys(regret[method])))].sort((a, b) => a - b);
  const colors = { meta_learner: c.accent, random: c.faint, average_rank: c.predicted, portfolio: c.predicted };
  return {
    ...base(c, "Regret of the best of the first k picks on datasets not seen, by method; lower is better"),
    tooltip: {
      ...base(c, "").tooltip,
      formatter: (p) => `${p.seriesName}, best of ${p.name}\nregret ${number(p.value)}`,
    },
    xAxis: axis(c, "best of the first … picks", { type: "category", data: ks }),
    yAxis: upright(c, "", { min: 0, scale: false }),
    series: methods.map((method, i) => ({
      name: methodName(method),
      type: "bar",
      barMaxWidth: 34,
      barGap: "12%",
      itemStyle: { color: colors[method] ?? c.series[i % c.series.length], borderRadius: [3, 3, 0, 0] },
      data: ks.map((k) => regret[method][k] ?? null),
    })),
  };
}

/** Share of outcomes inside their 90 % intervals, by held-out dataset. `rows`: [[dataset, share]]. */
export function coverageByDataset(c, rows) {
  return {
    ...base(c, "Share of outcomes inside their 90 % intervals, for each dataset held out", { legend: { show: false } }),
    tooltip: { ...base(c, "").tooltip, formatter: (p) => `${p.value[1]}\n${percent(p.value[0], 1)} inside` },
    grid: { left: 12, right: 44, top: 14, bottom: 40, containLabel: true },
    xAxis: axis(c, "outcomes inside their 90 % interval", {
      type: "value",
      min: 0,
      max: 1,
      axisLabel: { formatter: (v) => percent(v) },
    }),
    yAxis: axis(c, "", {
      type: "category",
      data: rows.map(([name]) => name),
      inverse: true,
      splitLine: { show: true, lineStyle: { color: c.line, opacity: 0.6 } },
      axisLabel: { width: 130, overflow: "truncate" },
    }),
    series: [
      {
        type: "scatter",
        symbolSize: 11,
        itemStyle: { color: c.accent },
        data: rows.map(([name, share]) => [share, name]),
        markLine: {
          silent: true,
          symbol: "none",
          lineStyle: { color: c.predicted, type: "dashed", width: 1.5 },
          label: { formatter: "90 %", color: c.soft },
          data: [{ xAxis: 0.9 }],
        },
      },
    ],
  };
}

/** What share of outcomes lies in intervals of each width. `curves`: {name: [[width, share]]}. */
export function calibration(c, curves) {
  return {
    ...base(c, "Share of outcomes inside intervals of each nominal width; the diagonal is perfect"),
    tooltip: {
      ...base(c, "").tooltip,
      formatter: (p) =>
        `${p.seriesName}: ${percent(p.value[0])} intervals\nhold ${percent(p.value[1])} of the outcomes`,
    },
    xAxis: axis(c, "width of the interval", {
      type: "value",
      min: 0,
      max: 1,
      axisLabel: { formatter: (v) => percent(v) },
    }),
    yAxis: upright(c, "outcomes inside", {
      type: "value",
      min: 0,
      max: 1,
      scale: false,
      axisLabel: { formatter: (v) => percent(v) },
    }),
    series: [
      {
        name: "perfect",
        type: "line",
        symbol: "none",
        silent: true,
        data: [
          [0, 0],
          [1, 1],
        ],
        lineStyle: { color: c.faint, type: "dashed" },
        itemStyle: { color: c.faint },
      },
      ...Object.entries(curves).map(([name, points], i) => ({
        name,
        type: "line",
        symbolSize: 8,
        data: points,
        lineStyle: { color: c.series[i], width: 2 },
        itemStyle: { color: c.series[i] },
      })),
    ],
  };
}

/** Shares or effects, largest first. `rows`: [[name, value]]. */
export function bars(c, rows, { description, format = number, signed = false }) {
  return {
    ...base(c, description, { legend: { show: false } }),
    tooltip: { ...base(c, "").tooltip, formatter: (p) => `${p.name}\n${format(p.value)}` },
    grid: { left: 12, right: 64, top: 6, bottom: 6, containLabel: true },
    xAxis: axis(c, "", { type: "value", axisLabel: { show: false }, splitLine: { show: false } }),
    yAxis: axis(c, "", {
      type: "category",
      inverse: true,
      data: rows.map(([name]) => name),
      axisLine: { onZero: false, lineStyle: { color: c.line } },
      axisLabel: { width: 180, overflow: "truncate", color: c.ink, fontSize: 12 },
    }),
    series: [
      {
        type: "bar",
        barMaxWidth: 16,
        data: rows.map(([, value]) => ({
          value,
          itemStyle: {
            color: signed && value < 0 ? c.predicted : c.accent,
            borderRadius: value < 0 ? [3, 0, 0, 3] : [0, 3, 3, 0],
          },
        })),
        label: { show: true, position: "right", color: c.soft, fontSize: 11, formatter: (p) => format(p.value) },
      },
    ],
  };
}
