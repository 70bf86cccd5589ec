// The web client: the door (#/sign-in, #/sign-up) while nobody is signed in,
// the chat page (#/chat, #/chat/CONVERSATION) otherwise.

import { Tieline } from "./tieline.js";
import { Chat } from "./ui/chat.js";
import { Devices } from "./ui/devices.js";
import { Door } from "./ui/door.js";
import { $ } from "./ui/dom.js";
import { deviceName } from "./ui/names.js";
import { Theme } from "./ui/theme.js";
import { language, translate } from "./words.js";

document.documentElement.lang = language;
translate(document);

const tieline = new Tieline({ deviceName: deviceName(), pullGaps: false });
const door = new Door(tieline, () => go("#/chat"));
const devices = new Devices(tieline);
const theme = new Theme();
/** @type {Chat|null} */
let chat = null;

/** Shows what the address names, as far as one may see it. */
function route() {
  const [, page, id] = location.hash.split("/");
  const atDoor = page === "sign-in" || page === "sign-up";
  theme.of(/** @type {any} */ (tieline.user));
  if (!tieline.user) {
    leave();
    if (!atDoor) return go("#/sign-in");
    return door.show(page === "sign-up" ? "up" : "in");
  }
  if (atDoor || page !== "chat") return go("#/chat");
  door.hide();
  chat ??= new Chat(tieline);
  chat.show(decode(id ?? ""));
}

/** @param {string} part of an address that anybody may have typed */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

/** @param {string} hash */
function go(hash) {
  history.replaceState(null, "", hash);
  route();
}

function leave() {
  chat?.stop();
  chat = null;
  devices.close();
}

window.addEventListener("hashchange", route);

tieline.addEventListener("signedout", (e) => {
  door.explain(/** @type {CustomEvent} */ (e).detail);
  go("#/sign-in");
});

$("sign-out").addEventListener("click", async () => {
  $("sign-out").disabled = true;
  await tieline.signOut();
  $("sign-out").disabled = false;
  door.explain(null);
  go("#/sign-in");
});

// Another window of this browser signed out, or signed in as somebody else.
window.addEventListener("storage", (e) => {
  if (e.key !== "tieline.session") return;
  const theirs = e.newValue && JSON.parse(e.newValue).user?.id;
  if ((theirs || undefined) !== tieline.user?.id) location.reload();
});

route();
