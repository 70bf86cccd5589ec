// The shapes that cross the wire, for editors and type checkers only.

/** @typedef {{user: string} | {room: string} | {conversation: string}} Target where something goes */

/**
 * @typedef {object} Draft what a sender says
 * @property {"text"|"image"|"file"|"sticker"} kind
 * @property {string} [text] at most 20,000 characters
 * @property {string} [media]
 * @property {number} [reply_to] a seq of the same conversation
 * @property {string[]} [mentions]
 */

/** @typedef {{id: string, username: string, nickname: string, avatar_url: string}} Person */

/**
 * @typedef {object} Message
 * @property {string} conversation
 * @property {number} seq its place in the conversation, from 1, without holes
 * @property {string} [id]
 * @property {string} [client_id] the id it was sent with; on the sender's own devices only
 * @property {Person} from
 * @property {Target} to
 * @property {string} kind
 * @property {string} text
 * @property {string} at RFC 3339
 * @property {boolean} [recalled]
 * @property {string} [edited_at]
 */

/** @typedef {{re: string, conversation: string, seq: number, at: string, live: boolean}} Ack */

/** @typedef {{id: string, to: Target, message: Draft, at: string}} Pending a send without an answer yet */

/**
 * @typedef {object} Grant what signing in gives
 * @property {string} access_token
 * @property {string} refresh_token
 * @property {number} expires_in seconds
 * @property {string} device_id
 * @property {Person & Record<string, unknown>} user
 */

/** @typedef {{get(key: string): string|null, set(key: string, value: string): void, remove(key: string): void}} Store */

/** @typedef {{now(): number, setTimeout(f: () => void, ms: number): unknown, clearTimeout(t: unknown): void}} Clock */

/** @typedef {{clock: Clock, random: () => number}} Env what the parts take from outside, so that tests may stand in */

export {};
