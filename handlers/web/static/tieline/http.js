import { TielineError, endsSession } from "./errors.js";

const TIMEOUT = 15_000;

/** Speaks HTTP with the server: adds the access token, refreshes it once when it has expired, and throws TielineErrors. */
export class Http {
  #base;
  #fetch;
  /** @type {import("./tokens.js").Tokens} set by the owner, since tokens are refreshed through here too */
  tokens;

  /** @param {string} base the server, without a path @param {typeof fetch} fetch */
  constructor(base, fetch) {
    this.#base = base + "/api/v1";
    this.#fetch = fetch;
  }

  /**
   * @param {string} method @param {string} path below /api/v1
   * @param {{body?: unknown, query?: Record<string, string|number|undefined>, auth?: boolean}} [options]
   * @returns {Promise<any>} the resource, or null when there is none
   */
  async request(method, path, options = {}) {
    if (options.auth === false) return this.#once(method, path, options, "");
    if (!this.tokens.grant) throw new TielineError("signed_out");
    const used = this.tokens.access;
    try {
      return await this.#once(method, path, options, used);
    } catch (/** @type {any} */ e) {
      if (e.code !== "token_expired") throw this.#judged(e, used);
    }
    await this.tokens.refresh(used);
    const fresh = this.tokens.access;
    try {
      return await this.#once(method, path, options, fresh);
    } catch (/** @type {any} */ e) {
      throw this.#judged(e, fresh);
    }
  }

  /** Ends the session if that is what the error means for the token still in use. @param {TielineError} e @param {string} used */
  #judged(e, used) {
    const aboutToken = e.status === 401 || e.code === "account_disabled";
    if (aboutToken && endsSession(e) && used === this.tokens.access) this.tokens.end(e);
    return e;
  }

  /** @param {string} method @param {string} path @param {any} options @param {string} access */
  async #once(method, path, { body, query }, access) {
    const set = Object.entries(query ?? {}).filter(([, v]) => v !== undefined && v !== "");
    const search = set.length ? "?" + new URLSearchParams(set.map(([k, v]) => [k, String(v)])) : "";
    /** @type {Record<string, string>} */
    const headers = {};
    if (access) headers.Authorization = `Bearer ${access}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const init = { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(TIMEOUT) };
    let answer, text;
    try {
      answer = await this.#fetch(this.#base + path + search, init);
      text = await answer.text();
    } catch (/** @type {any} */ e) {
      throw new TielineError(e?.name === "TimeoutError" ? "timeout" : "network");
    }
    const content = parse(text);
    if (answer.ok) return content;
    throw problem(answer, content);
  }
}

/** @param {string} text */
function parse(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** @param {Response} answer @param {any} content application/problem+json, unless a proxy answered */
function problem(answer, content) {
  const code = content?.code ?? (answer.status === 429 ? "rate_limited" : answer.status >= 500 ? "unavailable" : "internal");
  const seconds = Number(answer.headers.get("Retry-After")) || 0;
  return new TielineError(code, { ...content, status: answer.status, retryAfter: seconds * 1000 });
}
