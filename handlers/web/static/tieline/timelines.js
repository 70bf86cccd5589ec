const GRACE = 300; // milliseconds a push may be overtaken by a later one
const AGAIN = 2_000; // milliseconds until a failed pull is repeated
const PAGE = 200; // messages a history page holds
const HELD = 2_000; // messages held back in one conversation

/**
 * @typedef {import("./types.js").Message} Message
 * @typedef {object} Line one conversation
 * @property {string} id
 * @property {number} next the seq to hand over next; 0 while nothing is known
 * @property {number} floor the first seq ever seen here; older ones are handed over as they come
 * @property {Set<number>} late those of below the floor that were
 * @property {Map<number, {message: Message, done: (() => void)[]}>} held waiting for an earlier one
 * @property {number} upTo everything before this is to be pulled at once: the end of a declared gap
 * @property {unknown} timer
 * @property {boolean} pulling
 */

/** Hands over each message of a conversation once and in the order of seq, and pulls from the history what never came. */
export class Timelines {
  /** @type {Map<string, Line>} */
  #lines = new Map();
  #clock;
  #deliver;
  #pull;
  #skip;

  /**
   * @param {import("./types.js").Clock} clock
   * @param {object} use
   * @param {(m: Message) => void} use.deliver
   * @param {(conversation: string, after: number, before: number) => Promise<Message[]>} use.pull both bounds exclusive
   * @param {((conversation: string, after: number, before: number) => void)|null} use.skip
   *   told of declared gaps instead of their being pulled
   * @param {Record<string, number>} [seen] newest seq already handed over, by conversation
   */
  constructor(clock, { deliver, pull, skip }, seen = {}) {
    this.#clock = clock;
    this.#deliver = deliver;
    this.#pull = pull;
    this.#skip = skip;
    for (const [id, seq] of Object.entries(seen)) this.#line(id).next = seq + 1;
  }

  /** The newest seq handed over of each conversation. */
  tops() {
    return Object.fromEntries([...this.#lines.values()].filter((l) => l.next).map((l) => [l.id, l.next - 1]));
  }

  /** @param {string} id @returns {Line} */
  #line(id) {
    let l = this.#lines.get(id);
    if (!l) {
      l = { id, next: 0, floor: 0, late: new Set(), held: new Map(), upTo: 0, timer: null, pulling: false };
      this.#lines.set(id, l);
    }
    return l;
  }

  /** Takes a message in; done is called when it has been handed over or was here already. @param {Message} m */
  push(m, done = () => {}) {
    const l = this.#line(m.conversation);
    if (!l.next) l.next = l.floor = m.seq;
    if (m.seq < l.next) {
      if (m.seq < l.floor && !l.late.has(m.seq)) {
        l.late.add(m.seq);
        this.#deliver(m);
      }
      return done();
    }
    const held = l.held.get(m.seq);
    if (held) return void held.done.push(done);
    l.held.set(m.seq, { message: m, done: [done] });
    if (l.held.size > HELD) l.next = Math.max(l.next, Math.min(...l.held.keys()));
    this.#advance(l);
  }

  /** Messages strictly between the two are in the history only. @param {string} conversation @param {number} after @param {number} before */
  gap(conversation, after, before) {
    const l = this.#line(conversation);
    if (!l.next) l.next = l.floor = after + 1;
    if (before <= l.next) return;
    if (this.#skip) {
      for (const seq of [...l.held.keys()].filter((s) => s < before).sort((a, b) => a - b)) this.#handOver(l, seq);
      l.next = before;
      this.#skip(conversation, after, before);
      return this.#advance(l);
    }
    l.upTo = before;
    this.#fill(l);
  }

  /** Stops for good: hands nothing over any more. */
  stop() {
    this.#deliver = () => {};
    for (const l of this.#lines.values()) {
      if (l.timer) this.#clock.clearTimeout(l.timer);
      l.timer = null;
      l.held.clear();
      l.upTo = 0;
    }
  }

  /** @param {Line} l @param {number} seq */
  #handOver(l, seq) {
    const h = l.held.get(seq);
    if (!h) return false;
    l.held.delete(seq);
    l.next = seq + 1;
    this.#deliver(h.message);
    for (const done of h.done) done();
    return true;
  }

  /** @param {Line} l */
  #advance(l) {
    while (this.#handOver(l, l.next));
    if (l.held.size || l.upTo > l.next) this.#later(l, GRACE);
    else if (l.timer) {
      this.#clock.clearTimeout(l.timer);
      l.timer = null;
    }
  }

  /** @param {Line} l @param {number} ms */
  #later(l, ms) {
    if (l.pulling) return;
    l.timer ??= this.#clock.setTimeout(() => {
      l.timer = null;
      this.#fill(l);
    }, ms);
  }

  /** Pulls what is missing before the first message held, page by page. @param {Line} l */
  async #fill(l) {
    if (l.pulling || !(l.held.size || l.upTo > l.next)) return;
    l.pulling = true;
    let wait = GRACE;
    try {
      for (let to; (to = this.#missingUpTo(l)) > l.next; ) await this.#fillPage(l, to);
    } catch (/** @type {any} */ e) {
      if (e?.retry) wait = AGAIN;
      else l.next = Math.max(l.next, this.#missingUpTo(l)); // it is not ours to read: go on without
    }
    l.pulling = false;
    if (wait === AGAIN) this.#later(l, AGAIN);
    else this.#advance(l);
  }

  /** @param {Line} l */
  #missingUpTo(l) {
    return Math.max(l.upTo, l.held.size ? Math.min(...l.held.keys()) : 0);
  }

  /** @param {Line} l @param {number} to */
  async #fillPage(l, to) {
    // Bounded on both sides to one page, so that it does not matter from which end a server cuts.
    const before = Math.min(to, l.next + PAGE);
    const items = await this.#pull(l.id, l.next - 1, before);
    for (const m of items) {
      if (m.seq >= l.next && !l.held.has(m.seq)) l.held.set(m.seq, { message: m, done: [] });
    }
    // What is missing before the last item does not exist (any more). What is
    // missing behind it may only have been cut off: the next page tells.
    const known = items.length ? items[items.length - 1].seq + 1 : before;
    while (l.next < known) if (!this.#handOver(l, l.next)) l.next++;
    while (this.#handOver(l, l.next));
  }
}
