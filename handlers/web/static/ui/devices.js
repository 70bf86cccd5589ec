import { sayError, t } from "../words.js";
import { $, h, note, setText } from "./dom.js";
import { dayOf, timeOf } from "./names.js";

/** The list of one's devices, each of which can be signed out from here. */
export class Devices {
  #tieline;

  /** @param {import("../tieline.js").Tieline} tieline */
  constructor(tieline) {
    this.#tieline = tieline;
    $("devices-open").addEventListener("click", () => this.open());
    $("devices-close").addEventListener("click", () => $("devices").close());
    $("devices-others").addEventListener("click", () => this.#end(() => tieline.api.endOtherDevices()));
  }

  async open() {
    $("device-list").replaceChildren(h("li.quiet", {}, t("loading")));
    note($("devices-error"), "");
    $("devices-others").hidden = true;
    $("devices").showModal();
    await this.#refresh();
  }

  close() {
    if ($("devices").open) $("devices").close();
  }

  async #refresh() {
    try {
      const { items } = await this.#tieline.api.devices();
      $("device-list").replaceChildren(...items.map((/** @type {any} */ d) => this.#row(d)));
      $("devices-others").hidden = !items.some((/** @type {any} */ d) => !d.current);
    } catch (e) {
      note($("devices-error"), sayError(e));
    }
  }

  /** @param {any} d */
  #row(d) {
    const name = d.name || d.platform || t("unnamedDevice");
    const seen = d.last_seen ? t("lastSeen", { when: `${dayOf(d.last_seen)}, ${timeOf(d.last_seen)}` }) : t("isOffline");
    const status = d.online ? t("isOnline") : seen;
    const what = d.current ? h("span.quiet", {}, t("thisDevice")) : h("button", { type: "button", onclick: () => this.#end(() => this.#tieline.api.endDevice(d.id)) }, t("signOutThere"));
    if (!d.current) what.setAttribute("aria-label", `${t("signOutThere")}: ${name}`);
    const line = h("span.row-sub.quiet");
    setText(line, [d.platform, status].filter(Boolean).join(" · "));
    return h("li", {}, h("span.row-main", {}, h("span.row-name", {}, name), line), what);
  }

  /** @param {() => Promise<unknown>} end */
  async #end(end) {
    note($("devices-error"), "");
    try {
      await end();
    } catch (e) {
      note($("devices-error"), sayError(e));
    }
    await this.#refresh();
  }
}
