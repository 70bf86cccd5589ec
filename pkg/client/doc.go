// Package client is the Go SDK: dial, send, receive, resume after a drop.
//
// It has two halves. An API speaks HTTP: signing up and in, devices, friends,
// blocks, conversations, history, presence. A Client is one device's socket, kept
// open over any number of nodes. (A Raw is one socket without any of what
// follows, for tests and load generators that must see exactly what the server
// sent.)
//
// # Sending
//
// Send waits for the ack, and an ack means that the message is committed in the
// database. Until then the client keeps it and repeats it, under the same id, on
// each new socket and whenever the server says "unavailable" or "rate_limited";
// the id makes repeating harmless. So a Send that returns nil has kept its
// message exactly once. A Send whose ctx ended may have kept it or not: repeat
// it with SendWithID and the same id to find out. What is refused for good is an
// *Error with the server's code.
//
// Messages queued one after the other (Queue) are written in that order, on
// every socket. If the server refuses one for the moment while later ones are
// already under way, those may come before it: wait for each ack where that
// matters.
//
// Typing, Signal and Read are not kept: without a socket they are ErrOffline.
//
// # Receiving
//
// Everything that arrives is handed to the Handler by one goroutine, in order.
// For messages that is the order of their seqs in each conversation: one that
// overtook another waits for it, up to Options.Reorder, and one that comes later
// still is marked Late. A message is handed on once, known by its conversation
// and seq: it does not matter whether the server sends it again after a
// reconnect or after having lost its queues. A message of this same device is
// not pushed to it; its Send's Ack says where it went.
//
// What was read and not handled yet waits in a buffer of Options.Buffer frames.
// When that is full the socket is not read, the server waits, and after a while
// it lets this device catch up later; nothing is lost by being slow, and memory
// stays bounded. Only while somebody waits for a reply is it read on, up to eight
// times the buffer, so that a handler may itself Send and wait.
//
// A GapFrame says that an older part is too long to be pushed: ask for it with
// History.
//
// # Coming back
//
// A lost socket is opened again at the next of Options.URLs, after a random part
// of a delay that doubles (full jitter), and resumes behind the newest frame
// that was read. A node that drains says when to come back, and is obeyed.
// Watch is said again, calls without a reply are repeated. A silent connection
// counts as lost after three heartbeats.
//
// Close codes 4001 to 4006 are final: signed out, token or account refused, or
// the same device connected elsewhere. The client then ends with a *CloseError
// that knows the code and the reason; coming back on its own would only have two
// devices push each other out. 4002, an expired token, is final only if the
// TokenFunc has no other token; Tokens is one that refreshes in time.
//
// # Across restarts
//
// Offset is behind the last frame that the Handler is done with. A program that
// keeps it, and gives it to its next Client as Options.Offset, misses nothing
// and handles at most the frame twice during which it died. Without it the
// server goes by what this device last reported as received, which the client
// does by itself after every 64 handled frames, after a second, and in Close.
//
// # Ending
//
// Close says goodbye and returns when no goroutine of the client is left. Done
// and Err tell when and why the server ended it.
package client
