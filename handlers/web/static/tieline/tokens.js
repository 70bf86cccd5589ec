import { TielineError, endsSession } from "./errors.js";
import { readJSON } from "./store.js";

const KEY = "session";

/**
 * Holds the grant of whoever is signed in. A refresh token works once and its
 * second use ends the whole session, so only one refresh runs at a time, across
 * tabs too, and each looks first whether another tab has already done it.
 */
export class Tokens {
  #store;
  #renew;
  #onEnd;
  #locks;
  /** @type {Promise<void>|null} */
  #running = null;
  /** @type {import("./types.js").Grant|null} */
  grant = null;

  /**
   * @param {import("./types.js").Store} store
   * @param {(refreshToken: string) => Promise<import("./types.js").Grant>} renew asks the server
   * @param {(why: TielineError) => void} onEnd told once when the session is over
   * @param {{request(name: string, f: () => Promise<void>): Promise<void>}} [locks] the browser's Web Locks
   */
  constructor(store, renew, onEnd, locks = globalThis.navigator?.locks) {
    this.#store = store;
    this.#renew = renew;
    this.#onEnd = onEnd;
    this.#locks = locks;
    this.grant = readJSON(store, KEY);
  }

  get access() {
    return this.grant?.access_token ?? "";
  }

  /** @param {import("./types.js").Grant} grant */
  save(grant) {
    this.grant = grant;
    this.#store.set(KEY, JSON.stringify(grant));
  }

  /** Forgets the grant, and in the store too unless somebody else signed in there meanwhile. */
  clear() {
    const stored = readJSON(this.#store, KEY);
    if (!stored || stored.user?.id === this.grant?.user.id) this.#store.remove(KEY);
    this.grant = null;
  }

  /** The session is over: forgets it and says so. @param {TielineError} why */
  end(why) {
    if (!this.grant) return;
    this.clear();
    this.#onEnd(why);
  }

  /** Exchanges the tokens unless the access token is no longer `stale`. @param {string} [stale] */
  refresh(stale = this.access) {
    this.#running ??= this.#exclusive(() => this.#refresh(stale)).finally(() => (this.#running = null));
    return this.#running;
  }

  /** @param {() => Promise<void>} f */
  #exclusive(f) {
    return this.#locks ? this.#locks.request("tieline.refresh", f) : f();
  }

  /** @param {string} stale */
  async #refresh(stale) {
    const mine = this.grant;
    if (!mine) throw new TielineError("signed_out");
    if (mine.access_token !== stale) return;
    const stored = readJSON(this.#store, KEY);
    if (stored?.user?.id === mine.user.id && stored.access_token !== stale) {
      this.grant = stored;
      return;
    }
    try {
      const fresh = await this.#renew(mine.refresh_token);
      if (this.grant === mine) this.save({ ...mine, ...fresh });
    } catch (/** @type {any} */ e) {
      if (!endsSession(e)) throw e;
      // A refresh token nobody takes any more is, to a person, a sign-in that has expired.
      const why = e.code === "token_invalid" && !e.reason ? new TielineError("token_expired", e) : e;
      if (this.grant === mine) this.end(why);
      throw why;
    }
  }
}
