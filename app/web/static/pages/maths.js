// The little that the pages compute themselves.

/** The runs of a list with the best value so far, oldest first; runs without the target are left out. */
export function bestSoFar(runs, metric, direction) {
  const better = direction === "maximize" ? Math.max : Math.min;
  let best = null;
  return runs
    .filter((run) => measured(run, metric) !== undefined)
    .map((run, i) => {
      const value = measured(run, metric);
      best = best === null ? value : better(best, value);
      return { n: i + 1, value, best, name: run.run_id, id: run.id };
    });
}

export function measured(run, metric) {
  return run.metrics[metric] ?? run.resources[metric];
}

/** What outcomes tell of one target: predicted and realised, those that have both. */
export function comparisons(outcomes, metric) {
  return outcomes
    .filter(
      (o) => o.predicted?.[metric]?.mean !== undefined && o.realised[metric] !== undefined && o.state === "completed",
    )
    .map((o) => ({
      ...o.predicted[metric],
      realised: o.realised[metric],
      name: o.run_id,
      id: o.id,
      dataset: o.dataset,
      rank: o.rank,
    }))
    .filter((o) => o.mean !== null);
}

export function insideShare(points) {
  return points.length
    ? points.filter((p) => p.realised >= p.lower && p.realised <= p.upper).length / points.length
    : null;
}

/** Shares of outcomes inside intervals of each width, when the 90 % interval is scaled as a normal one would be. */
export function calibrationCurve(points) {
  const Z = [
    [0.1, 0.1257],
    [0.2, 0.2533],
    [0.3, 0.3853],
    [0.4, 0.5244],
    [0.5, 0.6745],
    [0.6, 0.8416],
    [0.7, 1.0364],
    [0.8, 1.2816],
    [0.9, 1.6449],
    [0.95, 1.96],
    [0.99, 2.5758],
  ];
  return Z.map(([width, z]) => [width, points.filter((p) => distance(p) * 1.6449 <= z + 1e-9).length / points.length]);
}

/** How far an outcome lies from its prediction, in half widths of the 90 % interval on its side. */
function distance({ mean, lower, upper, realised }) {
  const half = realised < mean ? mean - lower : upper - mean;
  return half > 0 ? Math.abs(realised - mean) / half : realised === mean ? 0 : Infinity;
}

/** Whether numbers spread over so many magnitudes that a log scale reads better. */
export function spreadsLog(values) {
  const low = Math.min(...values);
  return low > 0 && Math.max(...values) / low > 50;
}

/** Axes over the inputs that vary most between runs, and the runs as lines over them. */
export function parallelAxes(inputsOf, runs, metric, most = 8) {
  const known = runs.filter((run) => measured(run, metric) !== undefined);
  const rows = known.map((run) => new Map(inputsOf(run)));
  const names = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const ranked = names
    .map((name) => ({ name, values: rows.map((row) => row.get(name)) }))
    .map((axis) => ({
      ...axis,
      distinct: new Set(axis.values.map(text)).size,
      present: axis.values.filter((v) => v !== undefined).length,
    }))
    .filter((axis) => axis.distinct > 1)
    .sort((a, b) => b.present - a.present || a.distinct - b.distinct)
    .slice(0, most);
  const axes = [...ranked.map(({ name, values }) => shapedAxis(name, values)), { name: metric, type: "value" }];
  const lines = known.map((run, i) => [
    ...ranked.map((axis, j) => axisValue(axes[j], axis.values[i])),
    measured(run, metric),
  ]);
  return { axes, lines, runs: known };
}

const ABSENT = "(absent)";

function text(value) {
  return value === undefined ? ABSENT : typeof value === "string" ? value : JSON.stringify(value);
}

function shapedAxis(name, values) {
  const there = values.filter((value) => value !== undefined);
  if (there.every((value) => typeof value === "number")) return { name, type: spreadsLog(there) ? "log" : "value" };
  return { name, type: "category", categories: [...new Set(values.map(text))].sort() };
}

function axisValue(axis, value) {
  return axis.type === "category" ? text(value) : (value ?? "-");
}

/** A spread of values of a parameter, for a look at its effect: at most `n`, in order. */
export function gridOf(spec, n = 9) {
  if (Array.isArray(spec)) return spec;
  if (spec.type === "categorical" || spec.type === "ordinal") return spec.choices;
  if (spec.type === "bool") return [false, true];
  if (spec.type !== "float" && spec.type !== "int") return [];
  const at = (share) =>
    spec.log ? spec.low * (spec.high / spec.low) ** share : spec.low + (spec.high - spec.low) * share;
  const values = Array.from({ length: n }, (_, i) => at(i / (n - 1)));
  if (spec.type === "int") return [...new Set(values.map((value) => Math.round(value)))];
  return values.map((value, i) => (i === 0 ? spec.low : i === n - 1 ? spec.high : Number(value.toPrecision(6))));
}

/** The inputs of a run by the names that a search space gives them. */
export function inputsByName(flatten) {
  return (run) => [
    ...flatten(run.hyperparameters),
    ...["architecture", "environment", "fidelity"].flatMap((kind) =>
      flatten(run[kind]).map(([name, value]) => [`${kind}.${name}`, value]),
    ),
  ];
}
