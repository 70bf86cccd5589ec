// Package verify holds a cluster to what Tieline promises.
//
// A run drives any set of nodes as clients do: people on several devices write
// to each other and into the lobby, lose their connections in every way there
// is, come back to any node, repeat what they sent on two nodes at once, throw
// acks away, use an id for something else, sign in again and throw each other
// out. Whatever a device did and was told is an Event, and the events in order
// are the History. Somebody may kill nodes, Redis or the database meanwhile.
//
// When everything is quiet all devices connect once more, the conversations are
// read over HTTP, and Check looks at the history alone, without a connection to
// anything, for promises that were broken. So a history that was written to a
// file can be checked again, by anybody, at any time.
//
// # What counts as evidence
//
// Check takes no promise to be broken that could be kept in some other order of
// what happened at once. A send is noted before it is written and an ack after
// it was read, so what lies between may have happened at any moment of it:
//
//   - A message must reach a device that had signed in before the message was
//     first sent. What was never acknowledged may be there or not, but not for
//     one reader and missing for another.
//   - A device may be shown again only what came after the offset that it
//     resumed from, or, without one, after what it had reported as received and
//     the server had certainly read.
//   - Whether a device is still signed in is said only where every sign-in and
//     every end of one has been answered before.
//
// Refusals that ask to try again (rate_limited, unavailable) break no promise;
// the driver backs off. Nor does a lost Redis when that is declared
// (Options.RedisMayBeLost): a message that comes again with the same content is
// then counted, and not complained of.
package verify
