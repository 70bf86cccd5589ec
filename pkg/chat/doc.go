// Package chat is the vocabulary every other package speaks: people, devices,
// sessions, conversations, messages, presence, and the errors that cross the
// wire. It imports the standard library only.
package chat
