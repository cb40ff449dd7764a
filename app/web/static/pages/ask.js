// Ask what to train next: a form that starts from what the project knows, and the answer beside it.

import { ApiError, get, key, optional, post } from "./api.js";
import { answered, record } from "./answer.js";
import { announce, fill, h, link } from "./dom.js";
import { choice, code, head, section, tabs } from "./parts.js";
import { better } from "./project.js";
import { curl, python, yaml } from "./snippets.js";
import { builder, fromRuns } from "./space.js";

const STRATEGIES = [
  ["best", "Best", "the highest predicted value"],
  ["improve", "Improve", "what to train next: expected improvement"],
  ["explore", "Explore", "Thompson samples, for a batch in parallel"],
];
const EXAMPLE = {
  parameters: {
    learning_rate: { type: "float", low: 0.0001, high: 1, log: true },
    max_depth: { type: "int", low: 1, high: 15 },
  },
};

export async function view(query) {
  const stored =
    query.get("recommendation") && (await get(`v1/recommendations/${encodeURIComponent(query.get("recommendation"))}`));
  const overview = await get("v1/overview", { limit: 100 });
  const projects = overview.projects.map((one) => one.project);
  const project = stored?.project ?? query.get("project") ?? projects[0] ?? "default";
  if (!projects.includes(project)) projects.unshift(project);
  const state = { projects, known: await knownOf(project), question: null };
  state.question = startOf(state.known, stored?.dataset ?? query.get("dataset") ?? state.known.datasets[0] ?? "");
  const result = h("div", { class: "result" }, stored ? await record(stored, state.known) : invitation());
  const form = h("form", { class: "card ask-form", novalidate: true });
  drawForm(form, result, state);
  return [
    head(
      [
        ["Projects", "./"],
        [project, link("project", { name: project })],
      ],
      "Ask what to train next",
    ),
    h("div", { class: "ask" }, form, result),
  ];
}

function invitation() {
  return h(
    "div",
    { class: "invitation" },
    h("p", {}, "Choose a dataset and a space, and rank its configurations."),
    h(
      "p",
      { class: "note" },
      "The space shown spans what the project's runs have tried; change it, or paste your own as JSON.",
    ),
  );
}

// ---------------------------------------------------------------- what the project knows

async function knownOf(project) {
  const [overview, listed, datasets] = await Promise.all([
    get("v1/overview", { project }),
    get("v1/runs", { project, limit: 500, curves: false }),
    optional(get("v1/datasets", { project, limit: 500 })),
  ]);
  const glance = overview.projects[0];
  const targets = new Set(Object.keys(glance?.champion?.quality ?? {}));
  const resources = new Set();
  for (const run of listed.runs) {
    Object.keys(run.metrics).forEach((name) => targets.add(name));
    Object.keys(run.resources).forEach((name) => {
      targets.add(name);
      resources.add(name);
    });
  }
  return {
    project,
    glance,
    runs: listed.runs,
    datasets: (datasets?.datasets ?? []).map((d) => d.name),
    targets: [...targets],
    resources: [...resources],
  };
}

function startOf(known, dataset) {
  const declared = known.glance?.objectives ?? [];
  const metric = known.targets.find((name) => !known.resources.includes(name)) ?? "accuracy";
  const { environment = {}, fidelity = {} } = known.runs[0] ?? {};
  return {
    project: known.project,
    dataset,
    objectives: declared.length ? declared.slice(0, 2) : [{ metric, direction: better(metric) }],
    search_space: fromRuns(known.runs) ?? EXAMPLE,
    context: { environment, fidelity },
    top_k: 10,
    strategy: "best",
  };
}

// ---------------------------------------------------------------- the form

function drawForm(form, result, state) {
  const { question, known } = state;
  const faults = h("div", { class: "faults", role: "alert" });
  const submit = h("button", { type: "submit", class: "primary wide" }, "Rank configurations");
  form.onsubmit = (event) => {
    event.preventDefault();
    ask(state, submit, faults, result);
  };
  form.onkeydown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  };
  fill(
    form,
    h(
      "div",
      { class: "row" },
      choice("Project", state.projects, question.project, async (project) => {
        state.known = await knownOf(project);
        state.question = startOf(state.known, state.known.datasets[0] ?? "");
        history.replaceState(null, "", link("ask", { project }));
        drawForm(form, result, state);
      }),
      h(
        "label",
        { class: "choice" },
        h("span", {}, "Dataset"),
        h("input", {
          list: "datasets",
          required: true,
          value: question.dataset,
          autocomplete: "off",
          onchange: (event) => {
            question.dataset = event.target.value.trim();
          },
        }),
        h(
          "datalist",
          { id: "datasets" },
          known.datasets.map((name) => h("option", { value: name })),
        ),
      ),
    ),
    objectives(question, known),
    strategies(question),
    spaceField(question, known),
    contextField(question),
    faults,
    submit,
    h("p", { class: "note" }, "Or press ", h("kbd", {}, "Ctrl"), " ", h("kbd", {}, "Enter"), "."),
  );
}

function objectives(question, known) {
  const list = h("div", { class: "objectives" });
  const names = [...new Set([...known.targets, ...question.objectives.map((o) => o.metric)])];
  const draw = () =>
    fill(
      list,
      question.objectives.map((objective, i) =>
        h(
          "div",
          { class: "row" },
          choice(i ? "and" : "Objective", names, objective.metric, (metric) => {
            question.objectives[i] = { metric, direction: better(metric) };
            draw();
          }),
          choice(
            "Better is",
            [
              ["maximize", "more"],
              ["minimize", "less"],
            ],
            objective.direction,
            (direction) => {
              question.objectives[i] = { ...objective, direction };
            },
          ),
          i > 0 &&
            h(
              "button",
              {
                type: "button",
                class: "quiet",
                "aria-label": `Drop the objective ${objective.metric}`,
                onclick: () => {
                  question.objectives.splice(i, 1);
                  draw();
                },
              },
              "×",
            ),
        ),
      ),
      question.objectives.length < 2 &&
        names.length > 1 &&
        h(
          "button",
          {
            type: "button",
            class: "quiet",
            onclick: () => {
              const left = names.filter((name) => name !== question.objectives[0].metric);
              const metric = left.find((name) => name === "duration_seconds") ?? left[0];
              question.objectives.push({ metric, direction: better(metric) });
              draw();
            },
          },
          "+ A second objective",
        ),
    );
  draw();
  return list;
}

function strategies(question) {
  return h(
    "div",
    { class: "row" },
    h(
      "fieldset",
      { class: "radios" },
      h("legend", {}, "Strategy"),
      STRATEGIES.map(([value, name, told]) =>
        h(
          "label",
          { title: told },
          h("input", {
            type: "radio",
            name: "strategy",
            value,
            checked: value === question.strategy,
            onchange: () => {
              question.strategy = value;
            },
          }),
          name,
        ),
      ),
    ),
    h(
      "label",
      { class: "choice small" },
      h("span", {}, "Answers"),
      h("input", {
        type: "number",
        min: 1,
        max: 100,
        value: question.top_k,
        onchange: (event) => {
          question.top_k = Number(event.target.value);
        },
      }),
    ),
  );
}

function spaceField(question, known) {
  const area = () => {
    const text = h("textarea", {
      rows: 16,
      spellcheck: "false",
      "aria-label": "Search space as JSON",
      onchange: () => {
        try {
          question.search_space = JSON.parse(text.value);
          text.setCustomValidity("");
        } catch (error) {
          text.setCustomValidity(error.message);
        }
        note.textContent = text.validationMessage && `This is not JSON yet: ${text.validationMessage}`;
      },
    });
    text.value = JSON.stringify(question.search_space, null, 2);
    const note = h("p", { class: "note bad", role: "alert" });
    return [text, note];
  };
  const build = () =>
    question.search_space.candidates
      ? h("p", { class: "note" }, "An explicit list of candidates is edited as JSON.")
      : builder(question.search_space, (space) => {
          question.search_space = space;
        });
  const suggested = fromRuns(known.runs);
  return h(
    "fieldset",
    {},
    h("legend", {}, "Search space"),
    tabs("Search space", [
      ["Build", build],
      ["JSON", area],
      ...(suggested
        ? [
            [
              "From past runs",
              () => {
                question.search_space = suggested;
                return build();
              },
            ],
          ]
        : []),
    ]),
  );
}

function contextField(question) {
  const text = h("textarea", {
    rows: 5,
    spellcheck: "false",
    "aria-label": "Context as JSON",
    onchange: () => {
      try {
        question.context = JSON.parse(text.value);
        text.setCustomValidity("");
      } catch (error) {
        text.setCustomValidity(error.message);
      }
    },
  });
  text.value = JSON.stringify(question.context, null, 2);
  return h("details", {}, h("summary", {}, "What holds for every candidate (environment, fidelity)"), text);
}

// ---------------------------------------------------------------- asking

async function ask(state, submit, faults, result) {
  const question = structuredClone(state.question);
  fill(faults);
  const broken = submit.form.querySelector("textarea:invalid");
  if (broken) return fill(faults, h("p", { class: "notice bad" }, `Not JSON: ${broken.validationMessage}`));
  submit.disabled = true;
  result.setAttribute("aria-busy", "true");
  try {
    const answer = await post("v1/recommend", { ...question, explain: true });
    history.replaceState(
      null,
      "",
      link("ask", { project: question.project, recommendation: answer.recommendation_id }),
    );
    fill(result, await answered(answer, question, state.known), copies(question));
    announce(`${answer.configurations.length} configurations ranked`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    fill(faults, told(error));
  } finally {
    submit.disabled = false;
    result.removeAttribute("aria-busy");
  }
}

/** What was wrong with the question, field by field. */
function told(error) {
  const found = error.problem.errors ?? [];
  return h(
    "div",
    { class: "notice bad" },
    found.length
      ? h(
          "ul",
          {},
          found.map(({ pointer, message }) => h("li", {}, h("code", {}, pointer), " ", message)),
        )
      : error.message,
    error.status === 401 && " Use the Key button at the top.",
  );
}

function copies(question) {
  const url = new URL("v1/recommend", location.href).href;
  const withKey = Boolean(key.get());
  return section(
    "The same question elsewhere",
    {},
    tabs("Form of the question", [
      ["curl", () => code(curl(url, question, withKey), "shell")],
      ["Python", () => code(python(url, question, withKey), "Python, with httpx")],
      ["YAML", () => code(yaml(question), "YAML")],
    ]),
  );
}
