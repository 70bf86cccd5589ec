/** The longest wait between two attempts, in milliseconds. */
export const LONGEST = 20_000;

/**
 * Full jitter: anything from nothing up to 0.25 s · 2^n, at most 20 s. Spread
 * like this, clients that lost the same node do not come back all at once.
 * @param {number} n attempts that failed before this one @param {() => number} random
 */
export const backoff = (n, random) => Math.round(random() * Math.min(LONGEST, 250 * 2 ** Math.min(n, 16)));
