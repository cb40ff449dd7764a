// An answer: the ranking with its intervals, what it trades, what moves it, and why.

import { optional, post } from "./api.js";
import { chart } from "./chart.js";
import { announce, fill, h, link } from "./dom.js";
import { json, number, percent, plural, target } from "./format.js";
import { gridOf } from "./maths.js";
import { chip, choice, code, intervalBar, runLink, section, state, table, time } from "./parts.js";
import * as plots from "./plots.js";
import * as runPlots from "./plots_of_runs.js";

const BASIS = {
  few_shot: "own runs and history",
  zero_shot: "history only",
  cold_start: "no history: a design that fills the space",
};
const MOST_EFFECTS = 8;

/** A fresh answer to `question`. */
export async function answered(answer, question, known) {
  const objectives = question.objectives.map((o) => o.metric);
  return [
    ...ranked(answer, objectives, known),
    paretoFigure(answer, objectives, known),
    await effectsFigure(answer, question, objectives[0]),
  ];
}

/** A stored answer, with the runs that followed it. */
export async function record(stored, known) {
  const predicted = Object.keys(stored.configurations[0]?.predicted ?? {});
  const objectives = [known.glance?.objectives[0]?.metric, ...predicted]
    .filter((name) => predicted.includes(name))
    .slice(0, 1);
  const rows = stored.runs.map((run) => [
    runLink(run),
    state(run.state),
    run.rank ?? "another",
    ...objectives.flatMap((name) => [
      run.predicted?.[name]
        ? `${target(name, run.predicted[name].mean)} (${target(name, run.predicted[name].lower)} to ${target(name, run.predicted[name].upper)})`
        : "–",
      target(name, run.realised[name] ?? null),
    ]),
  ]);
  const columns = [
    ["Run"],
    ["State"],
    ["Rank", "number"],
    ...objectives.flatMap((name) => [
      [`Predicted ${name}`, "number"],
      [`Realised ${name}`, "number"],
    ]),
  ];
  return [
    section(
      "How it turned out",
      { note: ["Recommended ", time(stored.created_at), "."] },
      table("Runs that followed", columns, rows, {
        empty: "No run has named this recommendation yet. Name its recommendation_id in the runs you post.",
      }),
    ),
    ...ranked(stored, objectives, known),
    paretoFigure(stored, objectives, known),
  ];
}

// ---------------------------------------------------------------- the ranking

function ranked(answer, objectives, known) {
  const why = h("div", {});
  const explain = (entry) => {
    fill(why, whyOf(entry, answer, objectives[0], known));
    announce(`Why rank ${entry.rank}`);
  };
  if (answer.configurations.length) fill(why, whyOf(answer.configurations[0], answer, objectives[0], known));
  return [
    answer.warnings.map((warning) => h("p", { class: "notice warn" }, warning)),
    section("Ranking", { wide: true, note: restsOn(answer) }, rankingTable(answer, objectives, explain)),
    why,
  ];
}

function restsOn({ basis, n_own_runs, meta_learner, search, recommendation_id, dataset }) {
  const learner = meta_learner
    ? `meta-learner v${meta_learner.version} of ${plural(meta_learner.n_runs, "run")} on ${plural(meta_learner.n_datasets, "dataset")}`
    : "no meta-learner";
  const looked = `${plural(search.candidates_ranked, "candidate")} ${search.enumeration === "sampled" ? "sampled" : `(${search.enumeration})`}`;
  return [
    chip(basis.replace("_", "-"), basis === "cold_start" ? "warn" : "good", BASIS[basis]),
    ` for ${dataset}: ${n_own_runs ? `${plural(n_own_runs, "own run")}, ` : ""}${learner}, ${looked}. `,
    recommendation_id && h("a", { href: link("ask", { recommendation: recommendation_id }) }, "Link to this answer"),
  ];
}

function rankingTable({ configurations }, objectives, explain) {
  const costs = Object.keys(configurations[0]?.predicted ?? {}).filter(
    (name) => name === "duration_seconds" && !objectives.includes(name),
  );
  const spans = Object.fromEntries(objectives.map((name) => [name, spanOf(configurations, name)]));
  const fronts = configurations.some((entry) => entry.pareto_front !== undefined && entry.pareto_front !== null);
  const columns = [
    ["#", "number"],
    ["Configuration", "wrap"],
    ...objectives.flatMap((name) => [[name, "number"], ["90 % interval"]]),
    ...costs.map((name) => [name.replace("_seconds", ""), "number"]),
    ["May fail", "number"],
    ...(fronts ? [["Front", "number"]] : []),
    [h("span", { class: "unseen" }, "Why")],
  ];
  const rows = configurations.map((entry) => [
    String(entry.rank),
    settings(entry.configuration),
    ...objectives.flatMap((name) => predictedCells(name, entry.predicted?.[name], spans[name])),
    ...costs.map((name) => target(name, entry.predicted[name].mean)),
    percent(entry.probability_of_failure),
    ...(fronts ? [String(entry.pareto_front)] : []),
    h(
      "button",
      { type: "button", class: "quiet", "aria-label": `Why rank ${entry.rank}?`, onclick: () => explain(entry) },
      "Why?",
    ),
  ]);
  return table("Configurations, best first", columns, rows, {
    empty: "The space has no configuration left to propose.",
  });
}

function spanOf(configurations, name) {
  const ends = configurations
    .flatMap(({ predicted }) => [predicted?.[name]?.lower, predicted?.[name]?.upper])
    .filter((v) => v !== null && v !== undefined);
  return ends.length ? [Math.min(...ends), Math.max(...ends)] : [0, 1];
}

function predictedCells(name, predicted, span) {
  if (!predicted || predicted.mean === null) return ["–", "–"];
  const told = `${target(name, predicted.lower)} to ${target(name, predicted.upper)}`;
  return [
    h("b", {}, target(name, predicted.mean)),
    h("span", { class: "interval-cell", title: told }, intervalBar(predicted, span), h("small", {}, told)),
  ];
}

/** A configuration in a line; what is named before what is measured. */
function settings(configuration) {
  const entries = Object.entries(configuration).sort(
    ([, a], [, b]) => (typeof b === "string") - (typeof a === "string"),
  );
  return h(
    "span",
    { class: "settings" },
    entries.map(([name, value]) => h("span", { class: "setting" }, h("i", {}, name), " ", json(value))),
  );
}

// ---------------------------------------------------------------- why

function whyOf(entry, answer, metric, known) {
  const effects = entry.explanation?.[metric];
  return h(
    "div",
    { class: "grid" },
    effects &&
      section(
        `Why rank ${entry.rank}`,
        { note: whyNote(entry.origin?.[metric], metric) },
        chart(
          `What moved the prediction of rank ${entry.rank}`,
          (c) =>
            plots.bars(
              c,
              effects.map((one) => [one.input.replace(/^hyperparameters\./, ""), one.effect]),
              { description: `Effects of inputs on the prediction of ${metric}`, signed: true },
            ),
          { columns: [["Input"], ["Effect", "number"]], rows: effects.map((one) => [one.input, number(one.effect)]) },
        ),
      ),
    section(
      `Rank ${entry.rank} to copy`,
      {
        note: answer.recommendation_id
          ? [
              "Name ",
              h("code", {}, "recommendation_id"),
              " in the run that follows, and this page shows how it turned out.",
            ]
          : null,
      },
      code(
        JSON.stringify({ recommendation_id: answer.recommendation_id, configuration: entry.configuration }, null, 2),
        "JSON",
      ),
    ),
    entry.nearest_runs?.length &&
      section(
        `Nearest past runs to rank ${entry.rank}`,
        { note: "What the history has of its kind; likeness 1 is the same configuration." },
        nearestTable(entry, metric, known),
      ),
    answer.similar_datasets?.length &&
      section("Datasets that fared alike", { note: likeBy(answer.similar_datasets[0]) }, alikeTable(answer, known)),
  );
}

function whyNote(origin, metric) {
  const moved = `What moved its ${metric}, in normal quantiles of the dataset: right is more.`;
  if (!origin) return moved;
  return `${moved} History says ${number(origin.history)}, own runs changed it by ${number(origin.own_runs)}.`;
}

function nearestTable(entry, metric, known) {
  const rows = entry.nearest_runs.map((run) => [
    h("a", { href: link("run", { id: run.id }) }, `run ${run.id.slice(-6)}`),
    datasetLink(run.dataset, known),
    target(metric, run.reached[metric] ?? null),
    number(run.likeness),
  ]);
  return table("Nearest past runs", [["Run"], ["Dataset"], [metric, "number"], ["Likeness", "number"]], rows);
}

function likeBy({ by }) {
  return by === "own_runs"
    ? "By how configurations fared here and there."
    : "By meta-features: there are too few own runs.";
}

function alikeTable({ similar_datasets }, known) {
  const rows = similar_datasets.map((one) => [datasetLink(one.dataset, known), number(one.likeness)]);
  return table("Datasets that fared alike", [["Dataset"], ["Likeness", "number"]], rows);
}

function datasetLink(name, known) {
  return h("a", { href: link("dataset", { project: known.project, name }) }, name);
}

// ---------------------------------------------------------------- Pareto and effects

function paretoFigure({ configurations }, objectives, known) {
  const names = Object.keys(configurations[0]?.predicted ?? {});
  const costs = names.filter(
    (name) => name !== objectives[0] && (known.resources.includes(name) || objectives.includes(name)),
  );
  if (!costs.length || configurations.length < 2) return null;
  const box = h("div", {});
  const draw = (cost) => fill(box, tradeChart(configurations, objectives[0], cost, known));
  draw(objectives[1] ?? costs.find((name) => name === "duration_seconds") ?? costs[0]);
  const chosen = objectives[1] ?? (costs.includes("duration_seconds") ? "duration_seconds" : costs[0]);
  return section(
    `${objectives[0]} against cost`,
    {
      tools: [choice("Cost", costs, chosen, draw)],
      note: "Predicted means of the ranked configurations; the line joins those that no other beats in both.",
    },
    box,
  );
}

function tradeChart(configurations, metric, cost, known) {
  const declared = known.glance?.objectives.find((o) => o.metric === metric)?.direction;
  const sign = (declared ?? (/loss|error|rmse|mae/.test(metric) ? "minimize" : "maximize")) === "maximize" ? 1 : -1;
  const points = configurations
    .filter((e) => e.predicted?.[metric] && e.predicted[cost])
    .map((e) => ({ x: e.predicted[cost].mean, y: e.predicted[metric].mean, rank: e.rank }));
  for (const p of points)
    p.front = !points.some((q) => q.x <= p.x && sign * q.y >= sign * p.y && (q.x < p.x || q.y !== p.y));
  return chart(`${metric} against ${cost}`, (c) => runPlots.pareto(c, points, cost, metric), {
    columns: [["Rank", "number"], [cost, "number"], [metric, "number"], ["On the front"]],
    rows: points.map((p) => [String(p.rank), target(cost, p.x), target(metric, p.y), p.front ? "yes" : ""]),
  });
}

/** How the first configuration's prediction moves with each of its parameters: one what-if question, which is not stored. */
async function effectsFigure(answer, question, metric) {
  const best = answer.configurations[0]?.configuration;
  if (!best || !answer.configurations[0].predicted || !question.search_space.parameters) return null;
  const varied = variedParameters(question.search_space.parameters, best);
  const candidates = varied.flatMap(({ name, grid }) => grid.map((value) => ({ ...best, [name]: value })));
  if (!candidates.length) return null;
  const whatIf = await optional(
    post("v1/recommend", {
      ...question,
      search_space: { candidates },
      strategy: "best",
      top_k: candidates.length,
      store: false,
    }),
  );
  const found = new Map(
    (whatIf?.configurations ?? []).map((entry) => [sorted(entry.configuration), entry.predicted?.[metric]]),
  );
  const figures = varied.map((parameter) => effectChart(parameter, best, found, metric)).filter(Boolean);
  return figures.length
    ? section(
        "Parameter effects",
        {
          wide: true,
          note: `Predicted ${metric} with its 90 % interval when one parameter of rank 1 moves and the others stay.`,
        },
        h("div", { class: "effects" }, figures),
      )
    : null;
}

/** The parameters of a configuration that others do not depend on, with values to try. */
function variedParameters(parameters, best) {
  const specs = Array.isArray(parameters) ? parameters.map((spec) => [spec.name, spec]) : Object.entries(parameters);
  const parents = new Set(specs.flatMap(([, spec]) => Object.keys(spec?.when ?? {})));
  return specs
    .filter(([name]) => name in best && !parents.has(name))
    .map(([name, spec]) => ({ name, spec, grid: gridOf(spec) }))
    .filter(({ grid }) => grid.length > 1)
    .slice(0, MOST_EFFECTS);
}

function sorted(configuration) {
  return JSON.stringify(Object.entries(configuration).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function effectChart({ name, spec, grid }, best, found, metric) {
  const points = grid
    .map((value) => ({ value, ...found.get(sorted({ ...best, [name]: value })) }))
    .filter((p) => typeof p.mean === "number");
  if (points.length < 2) return null;
  const numeric = points.every((p) => typeof p.value === "number") && (spec.type === "float" || spec.type === "int");
  const rows = points.map((p) => [
    json(p.value),
    target(metric, p.mean),
    target(metric, p.lower),
    target(metric, p.upper),
  ]);
  return chart(
    `Effect of ${name}`,
    (c) => runPlots.effect(c, points, name, metric, { log: Boolean(spec.log), numeric, chosen: best[name] }),
    { columns: [[name], ["Predicted", "number"], ["Lower", "number"], ["Upper", "number"]], rows, height: "small" },
  );
}
