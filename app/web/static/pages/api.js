// The way to the API: the same routes, with the same key, as any other client. Addresses are relative, so that the
// pages also work under the path of a proxy.

const KEY = "forerun.key";

export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

/** An answer that went wrong: the problem that the API told, or that there was no answer. */
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail ?? "the service did not answer");
    this.status = status;
    this.problem = problem;
  }
}

export function get(path, query = {}, signal = undefined) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  const search = new URLSearchParams(given).toString();
  return call("GET", path + (search && `?${search}`), undefined, signal);
}

export function post(path, body) {
  return call("POST", path, body);
}

/** What may be missing: null where the API says 404 or 409. */
export async function optional(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof ApiError && [404, 409].includes(error.status)) return null;
    throw error;
  }
}

async function call(method, path, body, signal) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const stored = key.get();
  if (stored) headers.Authorization = `Bearer ${stored}`;
  const answer = await reached(fetch(path, { method, headers, body: body && JSON.stringify(body), signal }));
  const content = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
  if (!answer.ok) throw new ApiError(answer.status, content);
  return content;
}

async function reached(answering) {
  try {
    return await answering;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { detail: "The service cannot be reached; is it running?" });
  }
}

/** Whether the service is well: this is asked without a key. */
export async function readiness() {
  try {
    return await (await fetch("readyz")).json();
  } catch {
    return { status: "not_ready", checks: { service: "it cannot be reached" }, warnings: [] };
  }
}
