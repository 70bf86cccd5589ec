// Where the SDK keeps what must outlive the page: the tokens, how far each
// device has received, and sends without an answer. Anything with get, set and
// remove will do.

/** Keeps everything in the browser's localStorage; in memory where that is refused or full. */
export class LocalStore {
  #spill = new Map();

  /** @param {string} [prefix] */
  constructor(prefix = "tieline.") {
    this.prefix = prefix;
  }

  /** @param {string} key @returns {string|null} */
  get(key) {
    if (this.#spill.has(key)) return this.#spill.get(key);
    try {
      return localStorage.getItem(this.prefix + key);
    } catch {
      return null;
    }
  }

  /** @param {string} key @param {string} value */
  set(key, value) {
    try {
      localStorage.setItem(this.prefix + key, value);
      this.#spill.delete(key);
    } catch {
      this.#spill.set(key, value);
    }
  }

  /** @param {string} key */
  remove(key) {
    this.#spill.delete(key);
    try {
      localStorage.removeItem(this.prefix + key);
    } catch {
      // It was never written either.
    }
  }
}

/** Keeps everything for the life of the page only. */
export class MemoryStore {
  #values = new Map();
  get = (/** @type {string} */ key) => this.#values.get(key) ?? null;
  set = (/** @type {string} */ key, /** @type {string} */ value) => void this.#values.set(key, value);
  remove = (/** @type {string} */ key) => void this.#values.delete(key);
}

/**
 * Reads JSON from a store; what does not parse counts as absent.
 * @param {import("./types.js").Store} store @param {string} key
 */
export function readJSON(store, key) {
  try {
    return JSON.parse(store.get(key) ?? "null");
  } catch {
    return null;
  }
}

/** Makes an id nobody else has: 24 characters of a-z and 2-7. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return Array.from(bytes, (b) => "abcdefghijklmnopqrstuvwxyz234567"[b & 31]).join("");
}
