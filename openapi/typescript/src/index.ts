/** Client of forerun: openapi-fetch over the generated types, with a key, retries, and problems as exceptions. */

import createClient, { type Client, type Middleware } from "openapi-fetch";

import type { components, paths } from "./schema.js";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];
export type { paths };

export interface Options {
  /** Where the service is. */
  url?: string;
  /** An API key. */
  key?: string;
  /** How often a request is sent again after 429, 502, 503, 504 or a broken connection. */
  retries?: number;
}

/** The service answered with a problem (RFC 9457): a stable `code`, and JSON Pointers to what was wrong. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.status} ${problem.code}: ${problem.detail}`);
    this.name = "Refused";
  }
}

const AGAIN = new Set([429, 502, 503, 504]);
const LONGEST_PAUSE_MS = 20_000;

/** A client whose calls are checked against the service's OpenAPI document. */
export function forerun({ url = "http://127.0.0.1:8000", key, retries = 5 }: Options = {}): Client<paths> {
  const client = createClient<paths>({
    baseUrl: url,
    headers: key === undefined ? {} : { Authorization: `Bearer ${key}` },
    fetch: (request) => patiently(request, retries),
  });
  client.use(refusals);
  return client;
}

const refusals: Middleware = {
  async onResponse({ response }) {
    if (!response.ok) throw new Refused(await problemOf(response));
  },
};

async function problemOf(response: Response): Promise<Problem> {
  if (response.headers.get("Content-Type")?.startsWith("application/problem+json")) {
    return (await response.json()) as Problem;
  }
  const { status, statusText: detail } = response;
  return { type: "about:blank", title: detail, status, detail, code: "not_a_problem", errors: [], request_id: "" };
}

async function patiently(request: Request, retries: number): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    const isLast = attempt === retries || request.method === "PATCH"; // an amendment might not hold twice
    try {
      const response = await fetch(request.clone());
      if (isLast || !AGAIN.has(response.status)) return response;
      await response.body?.cancel();
      await pause(secondsAsked(response) ?? jittered(attempt));
    } catch (error) {
      if (isLast || !(error instanceof TypeError)) throw error; // fetch says a broken connection with a TypeError
      await pause(jittered(attempt));
    }
  }
}

function secondsAsked(response: Response): number | undefined {
  const asked = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return Number.isNaN(asked) ? undefined : asked;
}

function jittered(attempt: number): number {
  return 0.5 * 2 ** attempt * (0.5 + Math.random() / 2);
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.min(1000 * seconds, LONGEST_PAUSE_MS)));
}

/** The data of an answer, which is there: everything else was thrown as `Refused`. */
export function data<T>(answer: { data?: T }): T {
  if (answer.data === undefined) throw new Error("the answer is empty");
  return answer.data;
}
