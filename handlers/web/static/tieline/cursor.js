import { readJSON } from "./store.js";

const EVERY = 32; // frames
const WITHIN = 500; // milliseconds

/**
 * How far this device has received. An offset counts once everything that came
 * before it has been handed to the application, whatever finishes first; only
 * then it is kept, and reported so that the server sends it no more.
 */
export class Cursor {
  #store;
  #key;
  #clock;
  #report;
  #tops;
  /** @type {{offset: string, done: boolean}[]} in order of arrival */
  #arrivals = [];
  #unreported = 0;
  /** @type {unknown} */
  #timer = null;
  /** The offset to resume from; empty on a new device. */
  offset = "";
  /** @type {Record<string, number>} the newest seq handed over of each conversation, as kept last time */
  seen = {};

  /**
   * @param {import("./types.js").Store} store @param {string} key @param {import("./types.js").Clock} clock
   * @param {(offset: string) => void} report @param {() => Record<string, number>} tops
   */
  constructor(store, key, clock, report, tops) {
    this.#store = store;
    this.#key = key;
    this.#clock = clock;
    this.#report = report;
    this.#tops = tops;
    const kept = readJSON(store, key);
    this.offset = kept?.offset ?? "";
    this.seen = kept?.seen ?? {};
  }

  /** A new connection: what was under way on the last one will be sent again. */
  begin() {
    this.#arrivals = [];
  }

  /** Notes an offset; call what it returns when its frame has been dealt with. @param {string} offset */
  arrive(offset) {
    const list = this.#arrivals;
    const item = { offset, done: false };
    list.push(item);
    return () => {
      item.done = true;
      if (list === this.#arrivals) this.#advance();
    };
  }

  #advance() {
    while (this.#arrivals[0]?.done) {
      const { offset } = /** @type {{offset: string}} */ (this.#arrivals.shift());
      if (offset === this.offset) continue;
      this.offset = offset;
      this.#unreported++;
    }
    if (this.#unreported >= EVERY) this.flush();
    else if (this.#unreported) this.#timer ??= this.#clock.setTimeout(() => this.flush(), WITHIN);
  }

  /** Keeps and reports now. */
  flush() {
    if (this.#timer) this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.#unreported) return;
    this.#unreported = 0;
    // Kept first: once reported, the server would not send it again.
    this.#store.set(this.#key, JSON.stringify({ offset: this.offset, seen: this.#tops() }));
    this.#report(this.offset);
  }

  /** Stops without keeping anything more. */
  stop() {
    if (this.#timer) this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#unreported = 0;
    this.begin();
  }
}
