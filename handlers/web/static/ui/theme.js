import { LocalStore } from "../tieline.js";
import { $ } from "./dom.js";

/** Light, dark, or as the system has it: kept in this browser, whoever is signed in (S3.5). */
export class Theme {
  #store = new LocalStore();
  #account = ""; // what the account has, for where nothing was ever chosen

  constructor() {
    $("theme").addEventListener("change", () => {
      this.#store.set("theme", $("theme").value);
      this.#apply();
    });
    // Chosen in another window of this browser.
    window.addEventListener("storage", (e) => e.key === "tieline.theme" && this.#apply());
    this.#apply();
  }

  /** Somebody is signed in, or nobody any more. @param {{theme?: string}|null} user */
  of(user) {
    this.#account = user?.theme ?? "";
    this.#apply();
  }

  #apply() {
    const chosen = this.#store.get("theme") || this.#account;
    const theme = ["light", "dark"].includes(chosen) ? chosen : "system";
    $("theme").value = theme;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }
}
