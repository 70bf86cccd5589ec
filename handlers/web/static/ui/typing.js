const LASTS = 6_000; // a notice nothing follows is over after so long
const AGAIN = 3_000; // so often is said that one is still writing

/** Who is writing to us, and telling others that we are. Nothing of it is stored anywhere. */
export class Typing {
  #tell;
  #changed;
  /** @type {Map<string, Map<string, unknown>>} by conversation and person, the timers that end it */
  #writing = new Map();
  #told = { id: "", at: 0 };

  /**
   * @param {(conversation: string, on: boolean) => void} tell
   * @param {() => void} changed
   */
  constructor(tell, changed) {
    this.#tell = tell;
    this.#changed = changed;
  }

  /** Somebody is writing, or has stopped. @param {string} conversation @param {string} user @param {boolean} on */
  heard(conversation, user, on) {
    const there = this.#writing.get(conversation) ?? new Map();
    if (!on && !there.has(user)) return;
    clearTimeout(there.get(user));
    there.delete(user);
    if (on) there.set(user, setTimeout(() => this.heard(conversation, user, false), LASTS));
    this.#writing.set(conversation, there);
    this.#changed();
  }

  /** Reports whether somebody is writing there. @param {string} conversation */
  in(conversation) {
    return !!this.#writing.get(conversation)?.size;
  }

  /**
   * Tells the other person of a direct conversation, not more often than
   * needed. A room is not told: it would go to everybody in it at every few keys.
   * @param {{id: string, kind: string}} c @param {boolean} on
   */
  writes(c, on) {
    if (c.kind !== "direct") return;
    const told = this.#told.id === c.id && Date.now() - this.#told.at < AGAIN;
    if (on ? told : this.#told.id !== c.id) return;
    this.#told = on ? { id: c.id, at: Date.now() } : { id: "", at: 0 };
    this.#tell(c.id, on);
  }

  /** A message says more than that one was writing. */
  sent() {
    this.#told = { id: "", at: 0 };
  }

  stop() {
    for (const there of this.#writing.values()) for (const timer of there.values()) clearTimeout(/** @type {number} */ (timer));
    this.#writing.clear();
  }
}
