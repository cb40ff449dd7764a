// Starts Swagger UI on this server's own document. The ids in its examples become those of what is newest in the demo
// project, so that they can be tried as they stand; with the reader's key, if one was given to the pages.
const DEMO = "demo";

const key = sessionStorage.getItem("forerun.key");

async function asked(path) {
  const answer = await fetch(path, { headers: key ? { Authorization: `Bearer ${key}` } : {} }).catch(() => null);
  return answer?.ok ? answer.json() : {};
}

async function examples() {
  if (!(await asked("v1/projects?limit=1")).projects) return {}; // a service that asks for a key
  const [recommendations, runs, running, refits, learners, keys] = await Promise.all([
    asked(`v1/recommendations?project=${DEMO}&limit=1`),
    asked(`v1/runs?project=${DEMO}&limit=1&curves=false`),
    asked(`v1/runs?project=${DEMO}&state=running&limit=1&curves=false`),
    asked(`v1/refits?project=${DEMO}&limit=1`),
    asked(`v1/meta-learners?project=${DEMO}&limit=1`),
    key ? {} : asked("v1/keys"),
  ]);
  const run = runs.runs?.[0]?.id;
  const learner = learners.meta_learners?.[0]?.id;
  return {
    get_recommendation: recommendations.recommendations?.[0]?.recommendation_id,
    get_run: run,
    delete_run: run,
    patch_run: running.runs?.[0]?.id ?? run,
    get_refit: refits.refits?.[0]?.id,
    get_meta_learner: learner,
    promote_meta_learner: learner,
    // only a key that was made by trying the example of `create_key`: to revoke another one is no example
    revoke_key: keys.keys?.find((one) => one.name === "cluster7" && !one.revoked_at)?.id,
  };
}

/** Swagger UI shows `example` of a parameter; the document has them in its schemas, as OpenAPI 3.1 wants it. */
function fill(spec, ids) {
  for (const operation of Object.values(spec.paths).flatMap((path) => Object.values(path))) {
    for (const parameter of operation.parameters ?? []) {
      const example = parameter.schema.examples?.[0];
      if (example !== undefined && parameter.example === undefined) parameter.example = example;
      if (parameter.name === "id" && ids[operation.operationId]) parameter.example = ids[operation.operationId];
    }
  }
  return spec;
}

const [document_, ids] = await Promise.all([fetch("openapi.json").then((answer) => answer.json()), examples()]);
window.ui = SwaggerUIBundle({
  spec: fill(document_, ids),
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null, // the default asks an outside host
  onComplete: () => key && window.ui.preauthorizeApiKey("key", key),
});
