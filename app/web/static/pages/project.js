// A project: how good its meta-learner is, what it relies on, what came in.

import { get, optional, post } from "./api.js";
import { chart } from "./chart.js";
import { announce, fill, h, link } from "./dom.js";
import { count, number, percent, plural, target } from "./format.js";
import { calibrationCurve, comparisons, insideShare } from "./maths.js";
import { chip, choice, head, runLink, section, state, table, tile, tiles, time } from "./parts.js";
import * as plots from "./plots.js";
import * as runPlots from "./plots_of_runs.js";
import { firstPick, health } from "./projects.js";

const FEWEST = 10;

export async function view(query, again) {
  const project = query.get("name") ?? "default";
  const [overview, versions, recent, refits, datasets, outcomes] = await Promise.all([
    get("v1/overview", { project }),
    get("v1/meta-learners", { project, limit: 30 }),
    get("v1/runs", { project, limit: 12, curves: false }),
    get("v1/refits", { project, limit: 8 }),
    get("v1/datasets", { project, limit: 200 }),
    get("v1/outcomes", { project, limit: 100 }),
  ]);
  const glance = overview.projects[0];
  const champion = glance.champion;
  const detail = champion && (await optional(get(`v1/meta-learners/${champion.id}`)));
  const figures = h("div", { class: "grid" });
  const about = { glance, versions: versions.meta_learners, detail, outcomes: outcomes.outcomes };
  const metrics = Object.keys(champion?.quality ?? {});
  const first = firstPick(champion?.quality ?? {}, glance.objectives)?.metric ?? metrics[0];
  if (champion) fill(figures, figuresOf(about, first));
  return [
    head([["Projects", "./"]], project, { chips: [health(glance)], actions: actions(project, glance, again) }),
    tiles(...summary(about, first)),
    champion &&
      h(
        "div",
        { class: "controls" },
        choice("Target", metrics, first, (metric) => {
          fill(figures, figuresOf(about, metric));
          announce(`Figures of ${metric}`);
        }),
      ),
    champion
      ? figures
      : h(
          "p",
          { class: "notice" },
          "No meta-learner yet: it is fitted by itself after 20 finished runs. Until then answers are space-filling designs.",
        ),
    h(
      "div",
      { class: "grid" },
      section("Recent runs", { wide: true }, runsTable(recent.runs, true)),
      section("Datasets", {}, datasetsTable(project, datasets)),
      section("Refits and verdicts", {}, refitsTable(refits.refits)),
    ),
  ];
}

function actions(project, glance, again) {
  const refit = h("button", { type: "button", onclick: () => follow(refit, project, again) }, "Refit now");
  return [
    glance.n_runs > 0 && refit,
    h("a", { class: "button primary", href: link("ask", { project }) }, "Ask what to train next"),
  ];
}

/** Ask for a refit and show the page anew when it has ended. */
async function follow(button, project, again) {
  button.disabled = true;
  try {
    let refit = await post("v1/refits", { project });
    while (refit.state === "queued" || refit.state === "running") {
      const share = refit.progress?.done;
      button.textContent =
        refit.state === "queued" ? "Queued…" : `Refitting… ${share === undefined ? "" : percent(share)}`;
      await new Promise((resolve) => setTimeout(resolve, 1500));
      refit = await get(`v1/refits/${refit.id}`);
    }
    announce(`The refit ${refit.state}`);
    again();
  } catch (error) {
    button.textContent = error.status === 403 ? "Needs an admin key" : "Refit now";
    button.title = error.message;
    announce(error.message);
  }
}

function summary({ glance, outcomes }, metric) {
  const champion = glance.champion;
  const pick = firstPick(champion?.quality ?? {}, glance.objectives);
  const realised = insideShare(comparisons(outcomes, metric));
  return [
    tile("Runs", count(glance.n_runs), [time(glance.last_run_at)]),
    tile("Datasets", count(glance.n_datasets)),
    tile("Champion", champion ? `v${champion.version}` : "–", champion && [time(champion.fitted_at)]),
    tile("First pick, unseen dataset", pick ? number(pick.ours) : "–", pick && `regret; random ${number(pick.random)}`),
    tile("90 % intervals hold", percent(champion?.quality[metric]?.coverage), "on datasets held out"),
    tile("…in reality", percent(realised), `of ${plural(comparisons(outcomes, metric).length, "followed run")}`),
  ];
}

// ---------------------------------------------------------------- figures

function figuresOf(about, metric) {
  const direction = about.glance.objectives.find((o) => o.metric === metric)?.direction ?? better(metric);
  return [
    qualityFigure(about.versions, metric, direction),
    regretFigure(about.glance.champion.quality[metric], metric, direction),
    reliesFigure(about.detail?.report.targets?.[metric]?.importance, metric),
    coverageFigure(about.detail?.report.targets?.[metric]?.by_dataset),
    calibrationFigure(about, metric),
    realisedFigure(about.outcomes, metric),
  ].filter(Boolean);
}

/** Which way is better where nobody has declared it. */
export function better(metric) {
  return /loss|error|seconds|bytes|rmse|mae|mse|latency|perplexity/.test(metric) ? "minimize" : "maximize";
}

function qualityFigure(versions, metric, direction) {
  const points = [...versions]
    .reverse()
    .map((v) => ({
      version: v.version,
      champion: v.champion,
      rank_correlation: v.quality[metric]?.rank_correlation,
      first_pick: v.quality[metric]?.regret?.[direction]?.meta_learner?.["1"],
    }))
    .filter((v) => v.rank_correlation !== undefined);
  if (!points.length) return null;
  const columns = [["Version"], ["Rank correlation", "number"], ["Regret of the first pick", "number"]];
  const rows = points.map((v) => [
    `v${v.version}${v.champion ? " (champion)" : ""}`,
    number(v.rank_correlation),
    number(v.first_pick),
  ]);
  return section(
    "Quality over versions",
    { note: `How each version does on ${metric} of datasets it has not seen.` },
    chart("Quality over versions", (c) => plots.qualityOverVersions(c, points), { columns, rows }),
  );
}

function regretFigure(quality, metric, direction) {
  const regret = quality?.regret?.[direction];
  if (!regret) return null;
  const rows = Object.entries(regret).flatMap(([method, at]) =>
    Object.entries(at).map(([k, value]) => [plots.methodName(method), k, number(value)]),
  );
  return section(
    "Regret against simpler ways",
    {
      note: `How far the best of the first k picks falls short of the dataset's best run, as a share of its range. Mean of ${plural(quality.n_held_out_datasets ?? 0, "held-out dataset")}.`,
    },
    chart(`Regret on ${metric}, by method`, (c) => plots.regretByMethod(c, regret), {
      columns: [["Method"], ["Picks", "number"], ["Regret", "number"]],
      rows,
    }),
  );
}

function calibrationFigure({ outcomes, detail }, metric) {
  const points = comparisons(outcomes, metric);
  const reported = detail?.report.targets?.[metric]?.calibration ?? [];
  const curves = {
    ...(reported.length ? { "datasets held out": reported.map(({ level, covered }) => [level, covered]) } : {}),
    ...(points.length >= FEWEST ? { realised: calibrationCurve(points) } : {}),
  };
  const told =
    points.length < FEWEST
      ? `${plural(points.length, "run")} followed a recommendation and reported ${metric}; from ${FEWEST} on they are shown here. Name the recommendation_id in the runs you post.`
      : `Realised: ${plural(points.length, "followed run")}, the 90 % interval scaled as a normal one.`;
  if (!Object.keys(curves).length) return section("Do the intervals hold?", {}, h("p", { class: "empty" }, told));
  const rows = Object.entries(curves).flatMap(([name, curve]) =>
    curve.map(([width, share]) => [name, percent(width), percent(share)]),
  );
  return section(
    "Do the intervals hold?",
    { note: `Share of outcomes inside intervals of each width. ${told}` },
    chart("Calibration of intervals", (c) => plots.calibration(c, curves), {
      columns: [["Outcomes"], ["Width", "number"], ["Inside", "number"]],
      rows,
    }),
  );
}

function coverageFigure(byDataset) {
  const rows = Object.entries(byDataset ?? {})
    .map(([name, found]) => [name, found.coverage])
    .filter(([, share]) => share !== undefined)
    .sort((a, b) => a[1] - b[1])
    .slice(0, 16);
  if (!rows.length) return null;
  return section(
    "Coverage of unseen datasets",
    { note: "Each dataset predicted by members that have not seen it; the sixteen lowest." },
    chart("Coverage of 90 % intervals by dataset", (c) => plots.coverageByDataset(c, rows), {
      columns: [["Dataset"], ["Inside", "number"]],
      rows: rows.map(([name, share]) => [name, percent(share, 1)]),
      height: "tall",
    }),
  );
}

function reliesFigure(shares, metric) {
  const rows = Object.entries(shares ?? {})
    .sort(([, a], [, b]) => b - a)
    .slice(0, 12)
    .map(([path, share]) => [path.replace(/^hyperparameters\./, ""), share]);
  if (!rows.length) return null;
  return section(
    "What it relies on",
    { note: `How much each input moves predictions of ${metric}.` },
    chart(
      "What the meta-learner relies on",
      (c) =>
        plots.bars(c, rows, {
          description: "Share of each input in the changes of predictions",
          format: (v) => percent(v, 1),
        }),
      {
        columns: [["Input"], ["Share", "number"]],
        rows: rows.map(([name, share]) => [name, percent(share, 1)]),
        height: "tall",
      },
    ),
  );
}

export function realisedFigure(outcomes, metric) {
  const points = comparisons(outcomes, metric);
  if (!points.length) return null;
  const rows = points.map((p) => [
    runLink({ id: p.id, run_id: p.name }),
    p.dataset,
    target(metric, p.mean),
    `${target(metric, p.lower)} to ${target(metric, p.upper)}`,
    target(metric, p.realised),
  ]);
  return section(
    "Predicted against realised",
    {
      note: `${plural(points.length, "run")} that followed a recommendation; ${percent(insideShare(points))} inside their 90 % interval.`,
    },
    chart("Predicted against realised", (c) => runPlots.predictedRealised(c, points, metric), {
      columns: [["Run"], ["Dataset"], ["Predicted", "number"], ["90 % interval", "number"], ["Realised", "number"]],
      rows,
    }),
  );
}

// ---------------------------------------------------------------- tables

export function runsTable(runs, withDataset) {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.metrics)))].slice(0, 3);
  const columns = [
    ["Run"],
    ...(withDataset ? [["Dataset"]] : []),
    ["State"],
    ...names.map((name) => [name, "number"]),
    ["Duration", "number"],
    ["Posted", "number"],
  ];
  const rows = runs.map((run) => [
    runLink(run),
    ...(withDataset
      ? [h("a", { href: link("dataset", { project: run.project, name: run.dataset.name }) }, run.dataset.name)]
      : []),
    state(run.state),
    ...names.map((name) => number(run.metrics[name])),
    target("duration_seconds", run.resources.duration_seconds),
    time(run.created_at),
  ]);
  return table("Runs, newest first", columns, rows);
}

function datasetsTable(project, { datasets, next_cursor }) {
  const rows = datasets.map((d) => [
    h("a", { href: link("dataset", { project, name: d.name }) }, d.name),
    count(d.n_runs, 10_000),
    count(Object.keys(d.meta_features).length),
  ]);
  return [
    table("Datasets", [["Dataset"], ["Runs", "number"], ["Meta-features", "number"]], rows),
    next_cursor && h("p", { class: "note" }, "The newest 200."),
  ];
}

function refitsTable(refits) {
  const rows = refits.map((refit) => [
    state(refit.state),
    time(refit.finished_at ?? refit.queued_at),
    refit.trigger.replace("_", " "),
    refit.n_runs === null ? "–" : count(refit.n_runs),
    refit.error ??
      (refit.verdict
        ? [
            refit.verdict.promoted ? chip("serves", "good") : chip("does not serve"),
            " ",
            h("span", { class: "soft" }, refit.verdict.reason),
          ]
        : "–"),
  ]);
  return table(
    "Refits, newest first",
    [["State"], ["When"], ["Asked by"], ["Runs", "number"], ["Verdict", "wrap"]],
    rows,
    { empty: "There has been no refit." },
  );
}
