// Values to figures: each function gives ECharts options and knows nothing of the page. `c` holds the theme's colours.

import { number, percent, target } from "./format.js";

const FONT = "ui-sans-serif, system-ui, sans-serif";

/** What all figures share. Tooltips are drawn as text in the SVG, never as HTML. */
function base(c, description, more = {}) {
  return {
    animation: false,
    textStyle: { fontFamily: FONT, color: c.soft },
    aria: { enabled: true, label: { description } },
    grid: { left: 12, right: 20, top: 34, bottom: 30, containLabel: true },
    tooltip: {
      renderMode: "richText", confine: true, trigger: "item", backgroundColor: c.surface, borderColor: c.line,
      textStyle: { color: c.ink, fontSize: 12, fontFamily: FONT }, ...more.tooltip,
    },
    legend: { top: 0, right: 0, itemWidth: 14, itemHeight: 8, textStyle: { color: c.soft, fontSize: 12 }, ...more.legend },
  };
}

function axis(c, name, more = {}) {
  return {
    name, nameLocation: "middle", nameGap: 28, nameTextStyle: { color: c.soft, fontSize: 12 },
    axisLine: { lineStyle: { color: c.line } }, axisTick: { show: false },
    axisLabel: { color: c.soft, fontSize: 11, hideOverlap: true, ...more.axisLabel },
    splitLine: { lineStyle: { color: c.line, opacity: 0.6 } },
    ...Object.fromEntries(Object.entries(more).filter(([key]) => key !== "axisLabel")),
  };
}

/** The y axis: its name lies on top, so that it can be read. */
function upright(c, name, more = {}) {
  return axis(c, name, { nameLocation: "end", nameGap: 12, scale: true, max: atMostOne, ...more,
    nameTextStyle: { color: c.soft, fontSize: 12, align: "left" } });
}

/** An axis of shares ends at 1, not at the next round number beyond. */
function atMostOne({ min, max }) {
  return min >= 0 && max <= 1 && max > 0.8 ? 1 : null;
}

function labels(name) {
  return { formatter: (value) => target(name, value) };
}

/** Quality of each version. `versions`: [{version, rank_correlation, first_pick, champion}]. */
export function qualityOverVersions(c, versions) {
  const line = (name, field, color, symbol) => ({
    name, type: "line", symbol, symbolSize: 9, lineStyle: { color, width: 2 }, itemStyle: { color },
    data: versions.map((v) => [String(v.version), v[field] ?? null]), connectNulls: true,
  });
  return {
    ...base(c, "Rank correlation and regret of the first pick, by version, on datasets the version had not seen"),
    tooltip: { ...base(c, "").tooltip, formatter: (p) => `version ${p.value[0]}\n${p.seriesName}: ${number(p.value[1])}` },
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
    tooltip: { ...base(c, "").tooltip, formatter: (p) => `${p.seriesName}, best of ${p.name}\nregret ${number(p.value)}` },
    xAxis: axis(c, "best of the first … picks", { type: "category", data: ks }),
    yAxis: upright(c, "", { min: 0, scale: false }),
    series: methods.map((method, i) => ({
      name: methodName(method), type: "bar", barMaxWidth: 34, barGap: "12%",
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
    xAxis: axis(c, "outcomes inside their 90 % interval", { type: "value", min: 0, max: 1, axisLabel: { formatter: (v) => percent(v) } }),
    yAxis: axis(c, "", { type: "category", data: rows.map(([name]) => name), inverse: true,
      splitLine: { show: true, lineStyle: { color: c.line, opacity: 0.6 } }, axisLabel: { width: 130, overflow: "truncate" } }),
    series: [{
      type: "scatter", symbolSize: 11, itemStyle: { color: c.accent }, data: rows.map(([name, share]) => [share, name]),
      markLine: { silent: true, symbol: "none", lineStyle: { color: c.predicted, type: "dashed", width: 1.5 },
        label: { formatter: "90 %", color: c.soft }, data: [{ xAxis: 0.9 }] },
    }],
  };
}

/** What share of real outcomes lies in intervals of each width. `points`: [[expected, realised]]. */
export function calibration(c, points) {
  return {
    ...base(c, "Share of realised outcomes inside intervals of each nominal width; the diagonal is perfect"),
    tooltip: { ...base(c, "").tooltip, formatter: (p) => `${percent(p.value[0])} intervals\nhold ${percent(p.value[1])} of the outcomes` },
    xAxis: axis(c, "width of the interval", { type: "value", min: 0, max: 1, axisLabel: { formatter: (v) => percent(v) } }),
    yAxis: upright(c, "outcomes inside", { type: "value", min: 0, max: 1, scale: false, axisLabel: { formatter: (v) => percent(v) } }),
    series: [
      { name: "perfect", type: "line", symbol: "none", silent: true, data: [[0, 0], [1, 1]], lineStyle: { color: c.faint, type: "dashed" }, itemStyle: { color: c.faint } },
      { name: "realised", type: "line", symbolSize: 8, data: points, lineStyle: { color: c.accent, width: 2 }, itemStyle: { color: c.accent } },
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
    yAxis: axis(c, "", { type: "category", inverse: true, data: rows.map(([name]) => name),
      axisLine: { onZero: false, lineStyle: { color: c.line } }, axisLabel: { width: 180, overflow: "truncate", color: c.ink, fontSize: 12 } }),
    series: [{
      type: "bar", barMaxWidth: 16, data: rows.map(([, value]) => ({
        value, itemStyle: { color: signed && value < 0 ? c.predicted : c.accent, borderRadius: value < 0 ? [3, 0, 0, 3] : [0, 3, 3, 0] },
      })),
      label: { show: true, position: "right", color: c.soft, fontSize: 11, formatter: (p) => format(p.value) },
    }],
  };
}

/** Runs in their order with the best so far. `runs`: [{n, value, best, name}]. */
export function bestSoFar(c, runs, metric) {
  return {
    ...base(c, `${metric} of each run in their order, and the best so far`),
    tooltip: { ...base(c, "").tooltip, formatter: (p) => `${p.value[2]}\n${metric}: ${target(metric, p.value[1])}` },
    xAxis: axis(c, "run", { type: "value", minInterval: 1, min: 1, splitLine: { show: false } }),
    yAxis: upright(c, metric, { axisLabel: labels(metric) }),
    series: [
      { name: "run", type: "scatter", symbolSize: 7, itemStyle: { color: c.faint, opacity: 0.75 }, data: runs.map((r) => [r.n, r.value, r.name]) },
      { name: "best so far", type: "line", step: "end", symbol: "none", lineStyle: { color: c.accent, width: 2.5 }, itemStyle: { color: c.accent },
        data: runs.map((r) => [r.n, r.best, "best so far"]) },
    ],
  };
}

/** Predicted against realised, with intervals. `points`: [{mean, lower, upper, realised, name}]. */
export function predictedRealised(c, points, metric) {
  const values = points.flatMap((p) => [p.mean, p.realised]);
  const ends = [Math.min(...values), Math.max(...values)];
  return {
    ...base(c, `Predicted ${metric} with its 90 % interval against the realised one; on the diagonal both are equal`),
    tooltip: { ...base(c, "").tooltip, formatter: (p) => p.data.told ?? "" },
    xAxis: axis(c, `realised ${metric}`, { type: "value", scale: true, max: atMostOne, axisLabel: labels(metric) }),
    yAxis: upright(c, "predicted", { type: "value", axisLabel: labels(metric) }),
    series: [
      { name: "equal", type: "line", symbol: "none", silent: true, data: ends.map((v) => [v, v]), lineStyle: { color: c.faint, type: "dashed" }, itemStyle: { color: c.faint } },
      { name: "90 % interval", type: "custom", silent: true, itemStyle: { color: c.predicted }, renderItem: (_, api) => whisker(api, c),
        encode: { x: 0, y: [1, 2] }, data: points.map((p) => [p.realised, p.lower, p.upper]) },
      { name: "run", type: "scatter", symbolSize: 9, itemStyle: { color: c.accent },
        data: points.map((p) => ({ value: [p.realised, p.mean],
          told: `${p.name}\npredicted ${target(metric, p.mean)} (${target(metric, p.lower)} to ${target(metric, p.upper)})\nrealised ${target(metric, p.realised)}` })) },
    ],
  };
}

function whisker(api, c) {
  const [x, low] = api.coord([api.value(0), api.value(1)]);
  const [, high] = api.coord([api.value(0), api.value(2)]);
  return { type: "line", shape: { x1: x, y1: low, x2: x, y2: high }, style: { stroke: c.predicted, lineWidth: 2, opacity: 0.55 } };
}

/** Each run a line over its inputs, coloured by the target. `axes`: [{name, type, categories}], `lines`: rows of values. */
export function parallel(c, axes, lines, metric, higherIsBetter) {
  const last = axes.length - 1;
  const values = lines.map((line) => line[last]);
  const colors = higherIsBetter ? [c.line, c.faint, c.accent] : [c.accent, c.faint, c.line];
  return {
    ...base(c, `Every run as a line over its inputs, coloured by ${metric}`, { legend: { show: false } }),
    visualMap: { type: "continuous", show: false, dimension: last, min: Math.min(...values), max: Math.max(...values), inRange: { color: colors, opacity: [0.45, 0.9] } },
    parallel: { left: 50, right: 70, top: 44, bottom: 24 },
    parallelAxis: axes.map((a, dim) => ({
      dim, name: a.name, type: a.type, data: a.categories, scale: true, nameTextStyle: { color: c.ink, fontSize: 12 }, nameGap: 14,
      nameTruncate: { maxWidth: 120 },
      axisLine: { lineStyle: { color: c.faint } }, axisTick: { lineStyle: { color: c.faint } },
      axisLabel: { color: c.soft, fontSize: 11, width: 90, overflow: "truncate", formatter: (v) => (a.type === "category" ? v : target(a.name, v)) },
    })),
    series: [{ type: "parallel", smooth: false, lineStyle: { width: 1.5 }, data: lines }],
  };
}

/** Two objectives. `points`: [{x, y, rank, front}]; front 0 is joined. */
export function pareto(c, points, xName, yName) {
  const at = (p) => ({ value: [p.x, p.y], told: `rank ${p.rank}\n${yName}: ${target(yName, p.y)}\n${xName}: ${target(xName, p.x)}` });
  const front = points.filter((p) => p.front).sort((a, b) => a.x - b.x);
  const xs = points.map((p) => p.x);
  const log = Math.min(...xs) > 0 && Math.max(...xs) / Math.min(...xs) > 20;
  return {
    ...base(c, `Predicted ${yName} against ${xName}; the line joins configurations that no other beats in both`),
    tooltip: { ...base(c, "").tooltip, formatter: (p) => p.data.told ?? "" },
    xAxis: axis(c, `predicted ${xName}`, { type: log ? "log" : "value", scale: true, axisLabel: labels(xName) }),
    yAxis: upright(c, `predicted ${yName}`, { type: "value", axisLabel: labels(yName) }),
    series: [
      { name: "dominated", type: "scatter", symbolSize: 9, itemStyle: { color: c.faint }, data: points.filter((p) => !p.front).map(at) },
      { name: "Pareto front", type: "line", symbol: "circle", symbolSize: 11, lineStyle: { color: c.accent, width: 1.5 }, itemStyle: { color: c.accent }, data: front.map(at) },
    ],
  };
}

/** How a prediction moves with one parameter. `points`: [{value, mean, lower, upper}], in order. */
export function effect(c, points, name, metric, { log, numeric, chosen }) {
  const x = (p) => (numeric ? p.value : String(p.value));
  const hidden = { type: "line", silent: true, symbol: "none", lineStyle: { opacity: 0 }, stack: "band" };
  const markLine = numeric && chosen !== undefined
    ? { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: c.predicted, type: "dashed" }, data: [{ xAxis: chosen }] } : undefined;
  return {
    ...base(c, `Predicted ${metric} with its 90 % interval over ${name}, all else as in the first configuration`, { legend: { show: false } }),
    tooltip: { ...base(c, "").tooltip, formatter: (p) => `${name} = ${numeric ? number(p.value[0]) : p.value[0]}\n${metric}: ${target(metric, p.value[1])}` },
    grid: { left: 6, right: 14, top: 12, bottom: 34, containLabel: true },
    xAxis: axis(c, name, { type: numeric ? (log ? "log" : "value") : "category", scale: true, splitLine: { show: false }, axisLabel: numeric ? { formatter: number } : {} }),
    yAxis: upright(c, "", { type: "value", splitNumber: 3, axisLabel: labels(metric) }),
    series: numeric
      ? [
        { ...hidden, data: points.map((p) => [x(p), p.lower]) },
        { ...hidden, areaStyle: { color: c.accent, opacity: 0.14 }, data: points.map((p) => [x(p), p.upper - p.lower]) },
        { type: "line", symbolSize: 5, lineStyle: { color: c.accent, width: 2 }, itemStyle: { color: c.accent }, data: points.map((p) => [x(p), p.mean]), markLine },
      ]
      : [
        { type: "custom", silent: true, renderItem: (_, api) => whisker(api, c), encode: { x: 0, y: [1, 2] }, data: points.map((p) => [x(p), p.lower, p.upper]) },
        { type: "scatter", symbolSize: 10, itemStyle: { color: c.accent }, data: points.map((p) => [x(p), p.mean]) },
      ],
  };
}

/** A learning curve. `series`: {metric: [[step, value]]}. */
export function curve(c, series) {
  return {
    ...base(c, "Metrics over the steps of training"),
    tooltip: { ...base(c, "").tooltip, formatter: (p) => `step ${number(p.value[0])}\n${p.seriesName}: ${number(p.value[1])}` },
    xAxis: axis(c, "step", { type: "value", scale: true, splitLine: { show: false } }),
    yAxis: upright(c, "", { type: "value" }),
    series: Object.entries(series).map(([name, data], i) => ({
      name, type: "line", data, showSymbol: data.length < 40, symbolSize: 5, lineStyle: { width: 2, color: c.series[i % c.series.length] }, itemStyle: { color: c.series[i % c.series.length] },
    })),
  };
}
