import { t } from "../words.js";
import { $, say, setText } from "./dom.js";

/** The bar that says when the connection is not there. */
export class Bar {
  #was = false; // connected before

  /** @param {import("../tieline.js").Tieline} tieline @param {AbortSignal} signal */
  constructor(tieline, signal) {
    tieline.addEventListener("state", (e) => this.show(/** @type {CustomEvent} */ (e).detail.state), { signal });
    $("bar-button").onclick = () => tieline.connect();
    $("bar-button").textContent = t("useHere");
    this.show("connecting");
  }

  /** @param {string} state */
  show(state) {
    const replaced = state === "replaced";
    $("bar").hidden = state === "online" || state === "signed_out";
    $("bar").classList.toggle("strong", replaced);
    $("bar-button").hidden = !replaced;
    setText($("bar-text"), replaced ? t("replaced") : t(this.#was ? "reconnecting" : "connecting"));
    if (replaced || (this.#was && state === "waiting")) say($("bar-text").textContent);
    if (state === "online") this.#was = true;
  }
}
