// One run: what was trained, what came of it, and what had been predicted.

import { get, optional } from "./api.js";
import { chart } from "./chart.js";
import { h, link } from "./dom.js";
import { flatten, json, moment, number, target } from "./format.js";
import { code, head, pairs, section, state, table, tile, tiles, time } from "./parts.js";
import { curve } from "./plots_of_runs.js";

export async function view(query) {
  const run = await get(`v1/runs/${encodeURIComponent(query.get("id") ?? "")}`);
  const asked = run.recommendation_id && (await optional(get(`v1/recommendations/${run.recommendation_id}`)));
  const followed = asked?.runs.find((one) => one.id === run.id);
  const dataset = link("dataset", { project: run.project, name: run.dataset.name });
  return [
    head(
      [
        ["Projects", "./"],
        [run.project, link("project", { name: run.project })],
        [run.dataset.name, dataset],
      ],
      run.run_id,
      { chips: [state(run.state)] },
    ),
    tiles(
      ...Object.entries({ ...run.metrics, ...run.resources })
        .slice(0, 5)
        .map(([name, value]) => tile(name, target(name, value))),
      tile("Posted", time(run.created_at)),
    ),
    h(
      "div",
      { class: "grid" },
      run.learning_curve.length > 1 && learning(run),
      h(
        "div",
        { class: "stack" },
        section("Targets", { note: "What was measured." }, targets(run, followed)),
        section("Inputs", { note: "What was known before training." }, inputs(run)),
      ),
      section("Where and when", {}, pairs("Where and when", about(run, dataset, followed))),
      section("As posted", { wide: true }, code(JSON.stringify(posted(run), null, 2), "JSON")),
    ),
  ];
}

function learning(run) {
  const points = run.learning_curve;
  const names = [...new Set(points.flatMap((point) => Object.keys(point.metrics)))];
  const series = Object.fromEntries(
    names.map((name) => [name, points.filter((p) => name in p.metrics).map((p) => [p.step, p.metrics[name]])]),
  );
  const rows = points.map((point) => [number(point.step), ...names.map((name) => number(point.metrics[name]))]);
  return section(
    "Learning curve",
    { wide: true },
    chart("Learning curve", (c) => curve(c, series), {
      columns: [["Step"], ...names.map((name) => [name, "number"])],
      rows,
    }),
  );
}

function targets(run, followed) {
  const measured = Object.entries({ ...run.metrics, ...run.resources });
  if (!followed?.predicted)
    return pairs(
      "Targets",
      measured.map(([name, value]) => [name, target(name, value)]),
    );
  const rows = measured.map(([name, value]) => {
    const predicted = followed.predicted[name];
    const inside = predicted && value >= predicted.lower && value <= predicted.upper;
    return [
      name,
      target(name, value),
      predicted ? target(name, predicted.mean) : "–",
      predicted ? `${target(name, predicted.lower)} to ${target(name, predicted.upper)}` : "–",
      predicted ? (inside ? "inside" : "outside") : "–",
    ];
  });
  return table(
    "Targets",
    [
      ["Target"],
      ["Realised", "number"],
      ["Predicted", "number"],
      ["90 % interval", "number"],
      [h("span", { class: "unseen" }, "Inside")],
    ],
    rows,
  );
}

function inputs(run) {
  const kinds = ["hyperparameters", "architecture", "environment", "fidelity"];
  const rows = kinds.flatMap((kind) => flatten(run[kind]).map(([name, value]) => [name, kind, json(value)]));
  return table("Inputs", [["Input"], ["Kind"], ["Value", "value"]], rows, { empty: "None were posted." });
}

function about(run, dataset, followed) {
  return [
    ["Project", h("a", { href: link("project", { name: run.project }) }, run.project)],
    ["Dataset", h("a", { href: dataset }, run.dataset.name)],
    [
      "Recommended by",
      run.recommendation_id
        ? h(
            "a",
            { href: link("ask", { recommendation: run.recommendation_id }) },
            followed?.rank ? `a recommendation, rank ${followed.rank}` : "a recommendation",
          )
        : "no recommendation",
    ],
    ["Started", moment(run.started_at)],
    ["Finished", moment(run.finished_at)],
    ["Posted", moment(run.created_at)],
    ["Changed", moment(run.updated_at)],
    ...Object.entries(run.tags).map(([name, value]) => [`tag ${name}`, value]),
    ["Id", h("code", {}, run.id)],
  ];
}

function posted({ learning_curve, ...run }) {
  return {
    ...run,
    learning_curve:
      learning_curve.length > 5
        ? [...learning_curve.slice(0, 5), `… ${learning_curve.length - 5} more`]
        : learning_curve,
  };
}
