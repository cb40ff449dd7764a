// Values to figures: each function gives ECharts options and knows nothing of the page. `c` holds the theme's colours.
// Here what tells of runs and of answers.

import { atMostOne, axis, base, labels, upright } from "./figure.js";
import { number, target } from "./format.js";

/** Runs in their order with the best so far. `runs`: [{n, value, best, name}]. */
export function bestSoFar(c, runs, metric) {
  return {
    ...base(c, `${metric} of each run in their order, and the best so far`),
    tooltip: { ...base(c, "").tooltip, formatter: (p) => `${p.value[2]}\n${metric}: ${target(metric, p.value[1])}` },
    xAxis: axis(c, "run", { type: "value", minInterval: 1, min: 1, splitLine: { show: false } }),
    yAxis: upright(c, metric, { axisLabel: labels(metric) }),
    series: [
      {
        name: "run",
        type: "scatter",
        symbolSize: 7,
        itemStyle: { color: c.faint, opacity: 0.75 },
        data: runs.map((r) => [r.n, r.value, r.name]),
      },
      {
        name: "best so far",
        type: "line",
        step: "end",
        symbol: "none",
        lineStyle: { color: c.accent, width: 2.5 },
        itemStyle: { color: c.accent },
        data: runs.map((r) => [r.n, r.best, "best so far"]),
      },
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
      {
        name: "equal",
        type: "line",
        symbol: "none",
        silent: true,
        data: ends.map((v) => [v, v]),
        lineStyle: { color: c.faint, type: "dashed" },
        itemStyle: { color: c.faint },
      },
      {
        name: "90 % interval",
        type: "custom",
        silent: true,
        itemStyle: { color: c.predicted },
        renderItem: (_, api) => whisker(api, c),
        encode: { x: 0, y: [1, 2] },
        data: points.map((p) => [p.realised, p.lower, p.upper]),
      },
      {
        name: "run",
        type: "scatter",
        symbolSize: 9,
        itemStyle: { color: c.accent },
        data: points.map((p) => ({
          value: [p.realised, p.mean],
          told: `${p.name}\npredicted ${target(metric, p.mean)} (${target(metric, p.lower)} to ${target(metric, p.upper)})\nrealised ${target(metric, p.realised)}`,
        })),
      },
    ],
  };
}

function whisker(api, c) {
  const [x, low] = api.coord([api.value(0), api.value(1)]);
  const [, high] = api.coord([api.value(0), api.value(2)]);
  return {
    type: "line",
    shape: { x1: x, y1: low, x2: x, y2: high },
    style: { stroke: c.predicted, lineWidth: 2, opacity: 0.55 },
  };
}

/** Each run a line over its inputs, coloured by the target. `axes`: [{name, type, categories}], `lines`: rows of values. */
export function parallel(c, axes, lines, metric, higherIsBetter) {
  const last = axes.length - 1;
  const values = lines.map((line) => line[last]);
  const colors = higherIsBetter ? [c.line, c.faint, c.accent] : [c.accent, c.faint, c.line];
  return {
    ...base(c, `Every run as a line over its inputs, coloured by ${metric}`, { legend: { show: false } }),
    visualMap: {
      type: "continuous",
      show: false,
      dimension: last,
      min: Math.min(...values),
      max: Math.max(...values),
      inRange: { color: colors, opacity: [0.45, 0.9] },
    },
    parallel: { left: 50, right: 70, top: 44, bottom: 24 },
    parallelAxis: axes.map((a, dim) => ({
      dim,
      name: a.name,
      type: a.type,
      data: a.categories,
      scale: true,
      nameTextStyle: { color: c.ink, fontSize: 12 },
      nameGap: 14,
      nameTruncate: { maxWidth: 120 },
      axisLine: { lineStyle: { color: c.faint } },
      axisTick: { lineStyle: { color: c.faint } },
      axisLabel: {
        color: c.soft,
        fontSize: 11,
        width: 90,
        overflow: "truncate",
        formatter: (v) => (a.type === "category" ? v : target(a.name, v)),
      },
    })),
    series: [{ type: "parallel", smooth: false, lineStyle: { width: 1.5 }, data: lines }],
  };
}

/** Two objectives. `points`: [{x, y, rank, front}]; front 0 is joined. */
export function pareto(c, points, xName, yName) {
  const at = (p) => ({
    value: [p.x, p.y],
    told: `rank ${p.rank}\n${yName}: ${target(yName, p.y)}\n${xName}: ${target(xName, p.x)}`,
  });
  const front = points.filter((p) => p.front).sort((a, b) => a.x - b.x);
  const xs = points.map((p) => p.x);
  const log = Math.min(...xs) > 0 && Math.max(...xs) / Math.min(...xs) > 20;
  return {
    ...base(c, `Predicted ${yName} against ${xName}; the line joins configurations that no other beats in both`),
    tooltip: { ...base(c, "").tooltip, formatter: (p) => p.data.told ?? "" },
    xAxis: axis(c, `predicted ${xName}`, { type: log ? "log" : "value", scale: true, axisLabel: labels(xName) }),
    yAxis: upright(c, `predicted ${yName}`, { type: "value", axisLabel: labels(yName) }),
    series: [
      {
        name: "dominated",
        type: "scatter",
        symbolSize: 9,
        itemStyle: { color: c.faint },
        data: points.filter((p) => !p.front).map(at),
      },
      {
        name: "Pareto front",
        type: "line",
        symbol: "circle",
        symbolSize: 11,
        lineStyle: { color: c.accent, width: 1.5 },
        itemStyle: { color: c.accent },
        data: front.map(at),
      },
    ],
  };
}

/** How a prediction moves with one parameter. `points`: [{value, mean, lower, upper}], in order. */
export function effect(c, points, name, metric, { log, numeric, chosen }) {
  const x = (p) => (numeric ? p.value : String(p.value));
  const hidden = { type: "line", silent: true, symbol: "none", lineStyle: { opacity: 0 }, stack: "band" };
  const markLine =
    numeric && chosen !== undefined
      ? {
          silent: true,
          symbol: "none",
          label: { show: false },
          lineStyle: { color: c.predicted, type: "dashed" },
          data: [{ xAxis: chosen }],
        }
      : undefined;
  return {
    ...base(c, `Predicted ${metric} with its 90 % interval over ${name}, all else as in the first configuration`, {
      legend: { show: false },
    }),
    tooltip: {
      ...base(c, "").tooltip,
      formatter: (p) =>
        `${name} = ${numeric ? number(p.value[0]) : p.value[0]}\n${metric}: ${target(metric, p.value[1])}`,
    },
    grid: { left: 6, right: 14, top: 12, bottom: 34, containLabel: true },
    xAxis: axis(c, name, {
      type: numeric ? (log ? "log" : "value") : "category",
      scale: true,
      splitLine: { show: false },
      axisLabel: numeric ? { formatter: number } : {},
    }),
    yAxis: upright(c, "", { type: "value", splitNumber: 3, axisLabel: labels(metric) }),
    series: numeric
      ? [
          { ...hidden, data: points.map((p) => [x(p), p.lower]) },
          {
            ...hidden,
            areaStyle: { color: c.accent, opacity: 0.14 },
            data: points.map((p) => [x(p), p.upper - p.lower]),
          },
          {
            type: "line",
            symbolSize: 5,
            lineStyle: { color: c.accent, width: 2 },
            itemStyle: { color: c.accent },
            data: points.map((p) => [x(p), p.mean]),
            markLine,
          },
        ]
      : [
          {
            type: "custom",
            silent: true,
            renderItem: (_, api) => whisker(api, c),
            encode: { x: 0, y: [1, 2] },
            data: points.map((p) => [x(p), p.lower, p.upper]),
          },
          { type: "scatter", symbolSize: 10, itemStyle: { color: c.accent }, data: points.map((p) => [x(p), p.mean]) },
        ],
  };
}

/** A learning curve. `series`: {metric: [[step, value]]}. */
export function curve(c, series) {
  return {
    ...base(c, "Metrics over the steps of training"),
    tooltip: {
      ...base(c, "").tooltip,
      formatter: (p) => `step ${number(p.value[0])}\n${p.seriesName}: ${number(p.value[1])}`,
    },
    xAxis: axis(c, "step", { type: "value", scale: true, splitLine: { show: false } }),
    yAxis: upright(c, "", { type: "value" }),
    series: Object.entries(series).map(([name, data], i) => ({
      name,
      type: "line",
      data,
      showSymbol: data.length < 40,
      symbolSize: 5,
      lineStyle: { width: 2, color: c.series[i % c.series.length] },
      itemStyle: { color: c.series[i % c.series.length] },
    })),
  };
}
