// A typed client of one model's prediction API. Written by `skylift client typescript`; write it again, do not edit it.
//
//     const client = new Client("https://...");
//     const answer = await client.predict([EXAMPLE]);
//
// It needs fetch and Web Crypto, as browsers and Node 20 have them, and nothing else.

// <constants>
export const MODEL = "flats";
export const CONTRACT = "7e5c3a872d94b3afedf8985111c16b4f7359aae9e778f0fb1df7a87215216000";
// </constants>

/** What each feature adds to an answer: base and contributions sum to it. */
export interface Explanation {
  output: string;
  base: number;
  contributions: Record<string, number>;
}

// <types>
/** One row to predict. */
export interface Instance {
  "size": number; // a finite number (m2)
}

export type Label = "cheap" | "dear";

/** Probability of each class. */
export interface Probabilities {
  "cheap": number | null;
  "dear": number | null;
}

/** The answer for one instance. */
export interface Prediction {
  label: Label | null;
  probabilities: Probabilities;
  explanation?: Explanation;
}

export const EXAMPLE: Instance = { "size": 55.0 };
// </types>

/** What is unusual about an instance: outside what the model was trained on, or not used. */
export interface Warned {
  instance: number | null;
  field: string | null;
  message: string;
}

/** The answer to a request: one prediction for each instance, in their order. */
export interface Answer {
  id?: string;
  model: string;
  version: string;
  predictions: Prediction[];
  warnings: Warned[];
}

/** What is wrong with one field of a request. */
export interface Fault {
  field: string;
  pointer: string;
  reason: string;
  message: string;
}

/** The service did not answer: no connection, or none in time. */
export class Unreachable extends Error {
  override name = "Unreachable";
}

/** The service answered with an error (RFC 9457). */
export class Refused extends Error {
  override name = "Refused";
  readonly title: string;
  readonly detail: string;
  readonly requestId: string;
  readonly errors: Fault[];

  constructor(readonly status: number, problem: Record<string, unknown>) {
    const title = String(problem["title"] ?? problem["message"] ?? "no reason given");
    const detail = String(problem["detail"] ?? "");
    const errors = Array.isArray(problem["errors"]) ? problem["errors"].filter(isFault) : [];
    const faults = errors.map((fault) => `${fault.field}: ${fault.message}`).join("; ");
    super([`${status} ${title}`, detail, faults].filter(Boolean).join(": "));
    this.title = title;
    this.detail = detail;
    this.requestId = String(problem["request_id"] ?? "");
    this.errors = errors;
  }
}

/** Whether an error of a body is one of this service, and not of what stands before it. */
function isFault(error: unknown): error is Fault {
  return typeof error === "object" && error !== null && "field" in error && "message" in error;
}

/** Credentials of AWS, to sign requests with. */
export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface Options {
  /** Returns a bearer token, for an API that asks for one. */
  token?: () => string | Promise<string>;
  /** Signs requests for an API with IAM (AWS Signature Version 4). */
  aws?: { region: string; credentials: () => Credentials | Promise<Credentials> };
  /** Longest time for one attempt, in milliseconds; 10,000. */
  timeout?: number;
  /** Number of attempts where the service is busy, starting or not reached; 3. */
  attempts?: number;
  /** Told once for each version with another contract than this file was written for; console.warn. */
  onContractChanged?: (message: string) => void;
}

const BUSY = new Set([429, 502, 503, 504]);

/** A client of the service. */
export class Client {
  readonly #url: string;
  readonly #options: Options;
  readonly #known = new Set<string>();
  #checkedUntil = 0;

  /** @param url Address of the API, with the stage's path if it has one. */
  constructor(url: string, options: Options = {}) {
    this.#url = new URL(url).href.replace(/\/+$/, "");
    this.#options = options;
  }

  /**
   * Predict instances, in one request.
   *
   * @param instances Rows, as many as the service takes at once: `max_instances` of its `/model-info`.
   * @param wanted `sets` to have prediction sets, `explain` the contributions of each feature.
   * @throws {Refused} The service refuses them, or still has no answer after all attempts.
   * @throws {Unreachable} It did not answer.
   */
  async predict(instances: readonly Instance[], wanted: { sets?: boolean; explain?: boolean } = {}): Promise<Answer> {
    const query = [wanted.sets ? "set=true" : "", wanted.explain ? "explain=true" : ""].filter(Boolean).join("&");
    const path = query ? `/predict?${query}` : "/predict";
    const body = JSON.stringify({ instances }, finite);
    const [answer, version] = await this.#ask("POST", path, body, this.#options.attempts ?? 3);
    await this.#checkContract(version);
    return answer as unknown as Answer;
  }

  async #checkContract(version: string): Promise<void> {
    if (!version || this.#known.has(version) || Date.now() < this.#checkedUntil) return;
    this.#checkedUntil = Date.now() + 60_000;
    let info: Record<string, unknown>;
    try {
      [info] = await this.#ask("GET", "/model-info", undefined, 1);
    } catch {
      return;
    }
    this.#known.add(String(info["version"]));
    const found = info["contract_digest"];
    if (typeof found === "string" && found !== CONTRACT) {
      const message =
        `${String(info["model"])} ${String(info["version"])} has the contract ${found.slice(0, 12)}, this client was ` +
        `written for ${CONTRACT.slice(0, 12)}: write it again with \`skylift client typescript\``;
      (this.#options.onContractChanged ?? console.warn)(message);
    }
  }

  async #ask(
    method: string,
    path: string,
    body: string | undefined,
    attempts: number,
  ): Promise<[Record<string, unknown>, string]> {
    let failure: Error = new Unreachable(`${this.#url} was not asked: attempts is ${attempts}`);
    for (let attempt = 0; attempt < attempts; attempt++) {
      let pause = 200 * 2 ** attempt * (0.5 + Math.random() / 2);
      const headers = await this.#headers(method, path, body);
      try {
        const response = await this.#send(method, path, body, headers);
        const document = await objectOf(response);
        if (response.status === 200 && document) return [document, response.headers.get("x-model-version") ?? ""];
        failure = new Refused(response.status, document ?? { title: "the answer is not a JSON object" });
        if (!BUSY.has(response.status)) break;
        pause = Math.max(pause, Math.min(Number(response.headers.get("retry-after") ?? 0) || 0, 10) * 1000);
      } catch (error) {
        const reason = (error instanceof Error && error.cause) || error; // Node's fetch alone says nothing
        failure = new Unreachable(`${this.#url} does not answer: ${String(reason)}`, { cause: error });
      }
      if (attempt + 1 < attempts) await new Promise((resolve) => setTimeout(resolve, pause));
    }
    throw failure;
  }

  async #headers(method: string, path: string, body: string | undefined): Promise<Record<string, string>> {
    const { token, aws } = this.#options;
    const headers: Record<string, string> = { accept: "application/json" };
    if (body !== undefined) headers["content-type"] = "application/json";
    if (token) headers["authorization"] = `Bearer ${await token()}`;
    if (!aws) return headers;
    const url = new URL(`${this.#url}${path}`);
    return signed(method, url, headers, body ?? "", aws.region, await aws.credentials());
  }

  #send(
    method: string,
    path: string,
    body: string | undefined,
    headers: Record<string, string>,
  ): Promise<Response> {
    const signal = AbortSignal.timeout(this.#options.timeout ?? 10_000);
    return fetch(`${this.#url}${path}`, { method, headers, signal, ...(body === undefined ? {} : { body }) });
  }
}

/** Refuses what JSON would write as null without a word. */
function finite(name: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new RangeError(`${name} is ${value}: send null for a missing value`);
  }
  return value;
}

async function objectOf(response: Response): Promise<Record<string, unknown> | null> {
  try {
    const document: unknown = JSON.parse(await response.text());
    return typeof document === "object" && document && !Array.isArray(document)
      ? (document as Record<string, unknown>)
      : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Headers with a signature for API Gateway (AWS Signature Version 4). */
async function signed(
  method: string,
  url: URL,
  headers: Record<string, string>,
  body: string,
  region: string,
  credentials: Credentials,
): Promise<Record<string, string>> {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const scope = `${time.slice(0, 8)}/${region}/execute-api/aws4_request`;
  const all: Record<string, string> = { ...headers, "x-amz-date": time };
  if (credentials.sessionToken) all["x-amz-security-token"] = credentials.sessionToken;
  const named = Object.entries({ ...all, host: url.host }).sort(([one], [other]) => (one < other ? -1 : 1));
  const names = named.map(([name]) => name).join(";");
  const query = [...url.searchParams].map((pair) => pair.map(escaped).join("=")).sort().join("&");
  const path = url.pathname.split("/").map(escaped).join("/");
  const lines = named.map(([name, value]) => `${name}:${value.trim()}\n`).join("");
  const request = [method, path, query, lines, names, await digest(body)].join("\n");
  const text = ["AWS4-HMAC-SHA256", time, scope, await digest(request)].join("\n");
  let key: ArrayBuffer | Uint8Array<ArrayBuffer> = new TextEncoder().encode(`AWS4${credentials.secretAccessKey}`);
  for (const part of scope.split("/")) key = await mac(key, part);
  const signature = hex(await mac(key, text));
  all["authorization"] =
    `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return all;
}

function escaped(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function digest(text: string): Promise<string> {
  return hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

async function mac(key: ArrayBuffer | Uint8Array<ArrayBuffer>, text: string): Promise<ArrayBuffer> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return crypto.subtle.sign("HMAC", imported, new TextEncoder().encode(text));
}
