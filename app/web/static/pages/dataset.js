// A dataset: its runs, how recommendations for it turned out, and which datasets are like it.

import { get, optional } from "./api.js";
import { chart } from "./chart.js";
import { announce, fill, h, link } from "./dom.js";
import { count, flatten, number, percent, plural, target } from "./format.js";
import { bestSoFar, comparisons, inputsByName, insideShare, measured, parallelAxes } from "./maths.js";
import { choice, head, pairs, runLink, section, table, tile, tiles, time } from "./parts.js";
import * as runPlots from "./plots_of_runs.js";
import { better, realisedFigure, runsTable } from "./project.js";

const MOST_RUNS = 1000;
const inputsOf = inputsByName(flatten);

export async function view(query) {
  const [project, name] = [query.get("project") ?? "default", query.get("name") ?? ""];
  const [dataset, listed, outcomes, similar, declared] = await Promise.all([
    get(`v1/datasets/${encodeURIComponent(name)}`, { project }),
    get("v1/runs", { project, dataset: name, limit: MOST_RUNS, curves: false }),
    get("v1/outcomes", { project, dataset: name, limit: 100 }),
    optional(get("v1/similar-datasets", { project, dataset: name, limit: 8 })),
    get(`v1/projects/${encodeURIComponent(project)}`),
  ]);
  const runs = [...listed.runs].reverse();
  const metrics = [...new Set(runs.flatMap((run) => [...Object.keys(run.metrics), ...Object.keys(run.resources)]))];
  const chosen = { metric: declared.objectives.map((o) => o.metric).find((m) => metrics.includes(m)) ?? metrics[0] };
  chosen.direction =
    declared.objectives.find((o) => o.metric === chosen.metric)?.direction ?? better(chosen.metric ?? "");
  const figures = h("div", { class: "grid" });
  const draw = () => fill(figures, figuresOf(runs, outcomes.outcomes, chosen));
  draw();
  return [
    head(
      [
        ["Projects", "./"],
        [project, link("project", { name: project })],
      ],
      name,
      {
        actions: [
          h("a", { class: "button primary", href: link("ask", { project, dataset: name }) }, "Ask what to train next"),
        ],
      },
    ),
    tiles(...summary(dataset, runs, outcomes.outcomes, chosen)),
    metrics.length > 0 && controls(metrics, chosen, draw),
    runs.length
      ? figures
      : h("p", { class: "notice" }, "No run on this dataset yet: recommendations for it rest on the others."),
    h(
      "div",
      { class: "grid" },
      section(
        "Similar datasets",
        { note: "By meta-features: root mean square distance in standard deviations." },
        similarTable(project, similar?.similar ?? []),
      ),
      section(
        "Meta-features",
        {},
        pairs(
          "Meta-features",
          Object.entries(dataset.meta_features).map(([feature, value]) => [feature, number(value)]),
        ),
      ),
      section(
        "Runs",
        { wide: true, note: listed.next_cursor ? `The newest ${count(listed.runs.length)}.` : null },
        runsTable(listed.runs.slice(0, 30), false),
      ),
    ),
  ];
}

function controls(metrics, chosen, draw) {
  const bar = h("div", { class: "controls" });
  const direction = () =>
    choice(
      "Better is",
      [
        ["maximize", "more"],
        ["minimize", "less"],
      ],
      chosen.direction,
      (value) => {
        chosen.direction = value;
        draw();
      },
    );
  const metric = choice("Target", metrics, chosen.metric, (value) => {
    Object.assign(chosen, { metric: value, direction: better(value) });
    bar.lastChild.replaceWith(direction());
    draw();
    announce(`Figures of ${value}`);
  });
  bar.append(metric, direction());
  return bar;
}

function summary(dataset, runs, outcomes, { metric, direction }) {
  const sorted = bestSoFar(runs, metric, direction);
  const best = sorted.at(-1)?.best;
  const holder = sorted.find((run) => run.value === best);
  const points = comparisons(outcomes, metric);
  return [
    tile("Runs", count(dataset.n_runs, 10_000)),
    tile(
      `Best ${metric ?? "run"}`,
      best === undefined ? "–" : target(metric, best),
      holder && runLink({ id: holder.id, run_id: holder.name }),
    ),
    tile("Meta-features", count(Object.keys(dataset.meta_features).length)),
    tile(
      "Followed recommendations",
      plural(points.length, "run"),
      points.length ? `${percent(insideShare(points))} inside their interval` : null,
    ),
    tile("Changed", time(dataset.updated_at)),
  ];
}

function figuresOf(runs, outcomes, { metric, direction }) {
  const finished = runs.filter((run) => run.state !== "failed" && measured(run, metric) !== undefined);
  return [
    bestFigure(finished, metric, direction),
    realisedFigure(outcomes, metric) ?? nothingFollowed(metric),
    parallelFigure(finished, metric, direction),
  ].filter(Boolean);
}

function bestFigure(runs, metric, direction) {
  const points = bestSoFar(runs, metric, direction);
  if (!points.length) return null;
  const rows = points.map((p) => [
    count(p.n),
    runLink({ id: p.id, run_id: p.name }),
    target(metric, p.value),
    target(metric, p.best),
  ]);
  return section(
    "Best so far",
    { note: "Runs in the order they were posted." },
    chart(`Best ${metric} so far`, (c) => runPlots.bestSoFar(c, points, metric), {
      columns: [["Number"], ["Run"], [metric, "number"], ["Best so far", "number"]],
      rows,
    }),
  );
}

function nothingFollowed(metric) {
  return section(
    "Predicted against realised",
    {},
    h(
      "p",
      { class: "empty" },
      `No run on this dataset has followed a recommendation and reported ${metric}. Name the recommendation_id in the runs you post, and they show up here.`,
    ),
  );
}

function parallelFigure(runs, metric, direction) {
  const { axes, lines, runs: shown } = parallelAxes(inputsOf, runs, metric);
  if (lines.length < 2 || axes.length < 2) return null;
  const columns = [["Run"], ...axes.map((axis) => [axis.name])];
  const rows = lines.map((line, i) => [
    runLink(shown[i]),
    ...line.map((value) => (typeof value === "number" ? number(value) : value)),
  ]);
  return section(
    "Parallel coordinates",
    { wide: true, note: `Each run a line over the inputs that vary; the strongest colour has the best ${metric}.` },
    chart(
      "Parallel coordinates of the runs",
      (c) => runPlots.parallel(c, axes, lines, metric, direction === "maximize"),
      {
        columns,
        rows,
        height: "broad",
      },
    ),
  );
}

function similarTable(project, similar) {
  const rows = similar.map((one) => [
    h("a", { href: link("dataset", { project, name: one.dataset }) }, one.dataset),
    number(Number(one.distance.toPrecision(3))),
    count(one.n_shared_meta_features),
  ]);
  return table("Similar datasets", [["Dataset"], ["Distance", "number"], ["Shared meta-features", "number"]], rows, {
    empty: "No other dataset shares a meta-feature with this one.",
  });
}
