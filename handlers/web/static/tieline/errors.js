/**
 * Why something was refused or could not be done. `code` is one of the
 * server's codes, or one of our own: `network` (no answer), `timeout`,
 * `closed` (the connection went before the reply) and `signed_out` (nobody is
 * signed in).
 */
export class TielineError extends Error {
  /**
   * @param {string} code
   * @param {{status?: number, detail?: string, errors?: {field: string, code: string, detail?: string}[],
   *   reason?: string, retry?: boolean, retryAfter?: number}} [more] retryAfter in milliseconds
   */
  constructor(code, more = {}) {
    super(more.detail || code);
    this.name = "TielineError";
    this.code = code;
    this.status = more.status ?? 0;
    this.detail = more.detail ?? "";
    this.errors = more.errors ?? [];
    this.reason = more.reason ?? "";
    this.retryAfter = more.retryAfter ?? 0;
    this.retry = more.retry ?? PASSING.has(code);
  }
}

const PASSING = new Set(["network", "timeout", "closed", "unavailable", "rate_limited", "internal"]);
const ENDED = new Set(["token_expired", "token_invalid", "session_ended", "unauthorized", "account_disabled", "signed_out"]);

/** Reports whether only signing in again helps (for token_expired: once a refresh was refused). */
export const endsSession = (/** @type {any} */ e) => e instanceof TielineError && ENDED.has(e.code);
