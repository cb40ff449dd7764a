// The first page: every project at a glance; without one, what to do.

import { get } from "./api.js";
import { h, link } from "./dom.js";
import { ago, count, number, percent, plural } from "./format.js";
import { chip, code, head, sparkline, time } from "./parts.js";


export async function view(query, again) {
  const { projects, next_cursor } = await get("v1/overview", { cursor: query.get("cursor") });
  if (!projects.length && !query.get("cursor")) return welcome(again);
  return [
    head([], "Projects", {
      actions: [h("a", { class: "button primary", href: "ask" }, "Ask what to train next")],
      lead: "A project is a pool of runs that teach each other.",
    }),
    h("ul", { class: "cards" }, projects.map(card)),
    next_cursor && h("p", {}, h("a", { class: "button", href: link("", { cursor: next_cursor }) }, "More projects")),
  ];
}

function card(project) {
  const total = project.runs_per_hour.counts.reduce((sum, n) => sum + n, 0);
  return h(
    "li",
    { class: "card project" },
    h(
      "div",
      { class: "card-head" },
      h("h2", {}, h("a", { href: link("project", { name: project.project }) }, project.project)),
      health(project),
    ),
    h(
      "div",
      { class: "spark" },
      sparkline(project.runs_per_hour),
      h(
        "small",
        {},
        total ? `${plural(total, "run")} in 24 hours` : "no run in 24 hours",
        project.last_run_at && h("span", {}, "last: ", time(project.last_run_at)),
      ),
    ),
    h(
      "dl",
      { class: "figures" },
      h("div", {}, h("dt", {}, "Runs"), h("dd", {}, count(project.n_runs))),
      h("div", {}, h("dt", {}, "Datasets"), h("dd", {}, count(project.n_datasets))),
      h("div", {}, h("dt", {}, "Champion"), h("dd", {}, project.champion ? `v${project.champion.version}` : "–")),
    ),
    h("p", { class: "promise" }, promise(project)),
  );
}

/** How well it does, in a sentence. */
function promise({ champion, objectives, n_runs }) {
  if (!champion) return n_runs ? "Collecting runs: the first refit follows by itself." : "No runs yet.";
  const found = firstPick(champion.quality, objectives);
  const fitted = `Fitted ${ago(champion.fitted_at)} on ${plural(champion.n_runs, "run")}.`;
  if (!found) return fitted;
  return [
    "First pick on an unseen dataset: ",
    h("b", {}, `${percent(found.ours)} of the range`),
    ` short of the best ${found.metric} (at random ${percent(found.random)}). `,
    fitted,
  ];
}

/** Regret of the first pick for the project's first objective, beside a random one. */
export function firstPick(quality, objectives) {
  const declared = objectives[0];
  const metric = declared?.metric ?? Object.keys(quality).find((name) => quality[name].regret?.maximize);
  const direction = declared?.direction ?? "maximize";
  const regret = quality[metric]?.regret?.[direction];
  const ours = regret?.meta_learner?.["1"];
  return ours === undefined ? null : { metric, ours, random: regret.random?.["1"] };
}

/** The state of a project in a word. */
export function health({ champion, refit }) {
  if (champion?.damaged)
    return chip(
      "damaged bundle",
      "bad",
      "The champion's bundle is damaged: an earlier one answers. Refit the project.",
    );
  if (refit?.state === "running" || refit?.state === "queued")
    return chip(refit.state === "running" ? "refitting" : "refit queued", "busy");
  if (refit?.state === "failed") return chip("last refit failed", "bad", refit.error);
  return champion ? chip("healthy", "good") : chip("no champion yet", "warn");
}

// ---------------------------------------------------------------- nothing there yet

function welcome(again) {
  const url = new URL("v1", location.href).href;
  return [
    head([], "Nothing here yet", {
      lead: "Post what you have trained, ask what to train next. It answers from the first run on.",
    }),
    h(
      "ol",
      { class: "steps" },
      h(
        "li",
        {},
        h("h2", {}, "Post a run"),
        code(postExample(url), "shell"),
        h(
          "p",
          { class: "note" },
          "Or bring a whole history at once: one run a line to ",
          h("code", {}, "/v1/runs/batch"),
          ".",
        ),
      ),
      h(
        "li",
        {},
        h("h2", {}, "Ask what to train next"),
        code(askExample(url), "shell"),
        h(
          "p",
          { class: "note" },
          "After 20 finished runs the worker fits a meta-learner by itself, and answers come with predictions.",
        ),
      ),
      h(
        "li",
        {},
        h("h2", {}, "Or look at a history that ships with it"),
        code("make run", "shell"),
        h(
          "p",
          { class: "note" },
          "400 recorded trainings on ten data sets, in the project ",
          h("code", {}, "demo"),
          ".",
        ),
      ),
    ),
    h("p", {}, h("button", { type: "button", class: "primary", onclick: again }, "Look again")),
  ];
}

function postExample(url) {
  return `curl -s ${url}/runs -H 'Content-Type: application/json' -d '{
  "project": "tabular", "run_id": "first-one",
  "dataset": {"name": "adult", "meta_features": {"n_rows": 48842, "n_features": 14}},
  "state": "completed",
  "hyperparameters": {"booster": "gbtree", "learning_rate": 0.03, "max_depth": 6},
  "metrics": {"accuracy": 0.871}, "resources": {"duration_seconds": ${number(412)}}}'`;
}

function askExample(url) {
  return `curl -s ${url}/recommend -H 'Content-Type: application/json' -d '{
  "project": "tabular", "dataset": "adult",
  "objectives": [{"metric": "accuracy", "direction": "maximize"}],
  "search_space": {"parameters": {
    "learning_rate": {"type": "float", "low": 0.001, "high": 1.0, "log": true},
    "max_depth": {"type": "int", "low": 1, "high": 15}}},
  "top_k": 3}'`;
}
