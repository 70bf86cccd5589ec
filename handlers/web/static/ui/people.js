import { sayError, t } from "../words.js";
import { $, note } from "./dom.js";
import { showPeople } from "./rows.js";

const EVERY = 5_000;
const SOON = 500; // after somebody came or went: often more do
const ARRIVAL = 1_500; // until the servers have spread that somebody, or oneself, is here
const SHOWN = 100;

/** Who is online, looked at every few seconds and whenever somebody comes or goes; and the search for a person. */
export class People {
  #tieline;
  #model;
  #choose;
  #stop = new AbortController();
  /** @type {any[]} */
  online = [];
  /** @type {any[]} */
  #found = [];
  /** @type {string[]} */
  #watched = [];
  #asking = false;
  #due = 0;
  #total = 0;

  /** @param {import("../tieline.js").Tieline} tieline @param {import("./model.js").Model} model @param {(person: any) => void} choose */
  constructor(tieline, model, choose) {
    this.#tieline = tieline;
    this.#model = model;
    this.#choose = choose;
    const { signal } = this.#stop;
    const timer = setInterval(() => this.look(), EVERY);
    signal.addEventListener("abort", () => clearInterval(timer));
    tieline.addEventListener("welcome", () => (this.look(), this.#soon(ARRIVAL)), { signal });
    tieline.addEventListener("presence", () => this.#soon(SOON), { signal });
    tieline.addEventListener("message", (e) => this.#heard(/** @type {CustomEvent} */ (e).detail.from?.id), { signal });
    document.addEventListener("visibilitychange", () => this.look(), { signal });
    $("find").addEventListener("submit", (/** @type {Event} */ e) => (e.preventDefault(), this.#find()), { signal });
    $("find-query").addEventListener("input", () => $("find-query").value || this.#show([], ""), { signal });
    this.look();
  }

  stop() {
    this.#stop.abort();
    this.#show([], "");
    $("find").reset();
  }

  /** @param {number} ms */
  #soon(ms) {
    this.#due ||= setTimeout(() => ((this.#due = 0), this.look()), ms);
  }

  /** Whoever writes and is not listed has just come, or there are more than are listed. @param {string|undefined} id */
  #heard(id) {
    if (id && id !== this.#model.me.id && this.online.length < SHOWN - 1 && !this.online.some((p) => p.id === id)) this.#soon(SOON);
  }

  /** Asks who is online, unless nobody looks or there is no connection. */
  async look() {
    if (this.#asking || this.#stop.signal.aborted || document.hidden || ["replaced", "signed_out"].includes(this.#tieline.state)) return;
    this.#asking = true;
    const page = await this.#tieline.api.online({ limit: SHOWN }).catch(() => null);
    this.#asking = false;
    if (!page || this.#stop.signal.aborted) return;
    this.online = page.items.filter((/** @type {any} */ p) => p.id !== this.#model.me.id);
    const me = this.#tieline.state === "online" ? 1 : 0; // the servers may not have spread that yet
    this.#total = Math.max(page.total, this.online.length + me);
    this.#watch(this.online.map((p) => p.id));
    this.#model.changed();
  }

  /** Follows those listed, and no longer those who left the list. @param {string[]} ids */
  #watch(ids) {
    for (const id of ids) this.#model.presence[id] = true;
    const left = this.#watched.filter((id) => !ids.includes(id) && !this.#model.isPeer(id));
    for (const id of left) delete this.#model.presence[id];
    if (left.length) this.#tieline.unwatch(left);
    this.#tieline.watch(ids);
    this.#watched = ids;
  }

  render() {
    $("online-title").textContent = this.#total ? t("onlineCount", { n: this.#total }) : t("online");
    $("online-none").hidden = !this.#total || this.online.length > 0;
    showPeople($("online"), this.online, this.#model.presence, this.#choose);
    showPeople($("found"), this.#found, this.#model.presence, this.#choose);
  }

  async #find() {
    const query = $("find-query").value.trim();
    if (!query) return this.#show([], "");
    this.#show([], t("loading"));
    try {
      const { items } = await this.#tieline.api.users(query);
      const others = items.filter((/** @type {any} */ p) => p.id !== this.#model.me.id);
      this.#show(others, others.length ? "" : t("nobodyFound"));
    } catch (e) {
      this.#show([], sayError(e));
    }
  }

  /** @param {any[]} found @param {string} status */
  #show(found, status) {
    this.#found = found;
    note($("find-status"), status);
    this.render();
  }
}
