const path = (/** @type {string} */ s) => encodeURIComponent(s);

/** The calls of the HTTP API, by name. Lists are `{items, next}`; pass `next` on as `cursor`. */
export class Api {
  #http;

  /** @param {import("./http.js").Http} http */
  constructor(http) {
    this.#http = http;
  }

  me = () => this.#http.request("GET", "/me");
  /** @param {Record<string, unknown>} changes */
  updateMe = (changes) => this.#http.request("PATCH", "/me", { body: changes });

  devices = () => this.#http.request("GET", "/me/devices");
  /** @param {string} id */
  endDevice = (id) => this.#http.request("DELETE", `/me/devices/${path(id)}`);
  endOtherDevices = () => this.#http.request("DELETE", "/me/devices");

  /** @param {string} query @param {string} [cursor] */
  users = (query, cursor) => this.#http.request("GET", "/users", { query: { query, cursor } });
  /** @param {string} id */
  user = (id) => this.#http.request("GET", `/users/${path(id)}`);

  /** @param {{cursor?: string, limit?: number}} [page] */
  online = (page) => this.#http.request("GET", "/presence/online", { query: page });
  /** @param {string[]} users at most 500 */
  presence = (users) => this.#http.request("POST", "/presence", { body: { users } });

  /** @param {{cursor?: string, limit?: number}} [page] */
  conversations = (page) => this.#http.request("GET", "/conversations", { query: page });
  /** @param {string} user */
  openDirect = (user) => this.#http.request("POST", "/conversations/direct", { body: { user } });
  /** @param {string} conversation @param {{before_seq?: number, after_seq?: number, limit?: number}} [page] both bounds exclusive */
  messages = (conversation, page) =>
    this.#http.request("GET", `/conversations/${path(conversation)}/messages`, { query: page });

  /** @returns {Promise<{ticket: string, expires_in: number}>} */
  ticket = () => this.#http.request("POST", "/auth/ticket");
}
