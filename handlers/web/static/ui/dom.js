/** @param {string} id @returns {any} the element of the page with this id */
export const $ = (id) => document.getElementById(id);

/**
 * Makes an element. Children that are strings become text, never markup.
 * @param {string} tag a name, with .classes @param {Record<string, any>} [props] @param {...(Node|string|null|false|undefined)} children
 * @returns {any}
 */
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const n = document.createElement(name);
  n.classList.add(...classes);
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith("on")) n.addEventListener(key.slice(2), value);
    else if (key in n && key !== "role") /** @type {any} */ (n)[key] = value;
    else n.setAttribute(key, value);
  }
  n.append(...children.filter((c) => c !== null && c !== undefined && c !== false).map((c) => /** @type {Node|string} */ (c)));
  return n;
}

/**
 * Makes a list's children match its items, touching only what differs, so that
 * focus, selection and screen readers stay where they are.
 * @template T
 * @param {Element} list @param {T[]} items @param {(item: T) => string} key
 * @param {(item: T) => HTMLElement} make @param {(n: any, item: T) => void} [update]
 */
export function match(list, items, key, make, update = () => {}) {
  const old = new Map([...list.children].map((n) => [/** @type {HTMLElement} */ (n).dataset.key, n]));
  const wanted = items.map((item) => {
    const k = key(item);
    const n = /** @type {HTMLElement} */ (old.get(k)) ?? make(item);
    n.dataset.key = k;
    old.delete(k);
    update(n, item);
    return n;
  });
  for (const n of old.values()) n.remove();
  wanted.forEach((n, i) => {
    if (list.children[i] !== n) list.insertBefore(n, list.children[i] ?? null);
  });
}

/** Sets a text unless it is that already. @param {Element} n @param {string} s */
export function setText(n, s) {
  if (n.textContent !== s) n.textContent = s;
}

/** Shows a sentence, or hides its place when there is none. @param {HTMLElement} n @param {string} s */
export function note(n, s) {
  setText(n, s);
  n.hidden = !s;
}

/** Tells those who listen instead of looking. @param {string} s */
export const say = (s) => setText($("say"), s);

/** Runs f before the next paint, once however often it was asked for. @param {() => void} f */
export function oncePerFrame(f) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      f();
    });
  };
}
