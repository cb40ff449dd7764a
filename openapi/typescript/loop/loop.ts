/** The whole loop against a running service: `node dist/loop/loop.js <url>`. */

import { setTimeout as sleep } from "node:timers/promises";

import { data, forerun, Refused, type Schemas } from "../src/index.js";

const [url = "http://127.0.0.1:8000", key] = process.argv.slice(2);
const project = "loop-typescript";
const client = forerun(key === undefined ? { url } : { url, key });
const accuracyOf = (rate: number, depth: number, shift: number): number =>
  0.9 - 0.05 * (Math.log10(rate) + 1.5 + shift) ** 2 - 0.002 * (depth - 6) ** 2;

// Describe datasets and post what was trained on them.
const runs: Schemas["Run"][] = [];
for (let dataset = 0; dataset < 4; dataset++) {
  const name = `old-${dataset}`;
  await client.PUT("/v1/datasets/{name}", {
    params: { path: { name }, query: { project } },
    body: { meta_features: { n_rows: 1000 * (dataset + 1), n_features: 10 } },
  });
  for (let i = 0; i < 12; i++) {
    const learning_rate = 10 ** (-3 + (3 * i) / 11);
    const max_depth = 1 + ((5 * i) % 12);
    const accuracy = accuracyOf(learning_rate, max_depth, dataset / 10);
    runs.push({
      project,
      run_id: `${name}-${i}`,
      dataset: name,
      state: "completed",
      hyperparameters: { learning_rate, max_depth },
      metrics: { accuracy },
    });
  }
}
const posted = data(await client.POST("/v1/runs/batch", { body: { runs } }));

// Learn from them.
let refit = data(await client.POST("/v1/refits", { body: { project } }));
while (refit.state === "queued" || refit.state === "running") {
  await sleep(200);
  refit = data(await client.GET("/v1/refits/{id}", { params: { path: { id: refit.id } } }));
}

// Ask for a dataset that nobody has trained on.
const question: Schemas["RecommendRequest"] = {
  project,
  dataset: { name: "new", meta_features: { n_rows: 2500, n_features: 10 } },
  objectives: [{ metric: "accuracy", direction: "maximize" }],
  search_space: {
    parameters: {
      learning_rate: { type: "float", low: 0.001, high: 1, log: true },
      max_depth: { type: "int", low: 1, high: 12 },
    },
  },
  top_k: 3,
};
const answer = data(await client.POST("/v1/recommend", { body: question }));
const best = answer.configurations[0];
if (best === undefined) throw new Error("nothing was recommended");

// Train the winner, post it, and see it counted.
const { learning_rate, max_depth } = best.configuration as { learning_rate: number; max_depth: number };
const receipt = data(
  await client.POST("/v1/runs", {
    body: {
      project,
      run_id: "winner",
      dataset: "new",
      state: "completed",
      hyperparameters: best.configuration,
      metrics: { accuracy: accuracyOf(learning_rate, max_depth, 0.15) },
      recommendation_id: answer.recommendation_id,
    },
  }),
);
const record = data(
  await client.GET("/v1/recommendations/{id}", { params: { path: { id: String(answer.recommendation_id) } } }),
);
const sharper = data(await client.POST("/v1/recommend", { body: question }));

// A mistake is told with its place.
const refused = await client
  .POST("/v1/runs", { body: { project, dataset: "new", state: "completed", metrics: {} } })
  .then(() => undefined)
  .catch((error: unknown) => (error instanceof Refused ? error.problem : undefined));

console.log(
  JSON.stringify({
    created: posted.created,
    refit: refit.state,
    basis: answer.basis,
    posted: receipt.status,
    followed: record.runs.map((run) => run.run_id),
    then: sharper.basis,
    n_own_runs: sharper.n_own_runs,
    refused: refused?.code,
  }),
);
