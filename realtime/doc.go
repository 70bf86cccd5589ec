// Package realtime is one node: sockets on one side, the cluster on the other.
//
// # The one idea
//
// The database is the truth, Redis is the meeting place, a node is disposable.
// A message exists when the database has committed it. Redis says who is
// connected where and what waits for whom, and may lose all of it at any
// moment. A node holds sockets, and nothing else that matters.
//
// # The path of a message
//
//	socket → read → dispatch → messaging.Submit ─┐ one goroutine a socket
//	                                             ▼
//	                 messaging.commitAll: whatever has gathered, one transaction:
//	                 heads moved, rows inserted, the batch noted in the outbox
//	                                             ▼
//	                 messaging.deliverAll → cluster.Deliver: one script a recipient
//	                 appends to the queue and names the nodes that hold the user;
//	                 one publication a node; then the ack
//	                                             ▼
//	other node: cluster.listen → Node.Deliver → conn.push → conn.write → socket
//
// There is no shorter way for a recipient on the same node: one path, one
// order, and every test tests it.
//
// The ack waits for Redis, up to a second, because it says whether the message
// is live. When Redis does not answer, the batch stays in the outbox, its
// senders are told "live": false, and later batches of the node queue up behind
// it there, so that no message of a sender overtakes another; when Redis is back,
// all that waits is delivered in few calls. What a node left in the outbox when
// it died, the others deliver (messaging.reap). The outbox is written in the same
// transaction as the messages: stored implies delivered, whatever is killed in
// between. What was delivered stays in it for 4 s, longer than a node takes to
// know that it does not reach Redis: from then on such a node shows its sockets
// what is in the outbox (pollOutbox), of whichever node, without a hole.
//
// # What is not a message
//
// Whatever else a person is to hear of on all devices, an event, is committed in
// the transaction of what it tells of, marked as pending, and taken to the same
// queues by package notify. From there on it is an entry like any other: pushed,
// resumed, and filled in from the database where the queue is lost. The mark goes
// a while after the delivery; what is marked still, any node delivers.
//
// Whether two people may write to each other is noted in the head of their
// direct conversation, which every commit locks and reads anyway (store.shut): a
// block holds for the next message on whichever node, and costs no query. What
// does not pass through a commit (signals, typing, presence) goes by what a node
// remembers; all nodes are told to read again what has changed, and do so at
// intervals, as a word may be lost.
//
// Programs of the operator's hear of what happens by package hook, from an outbox
// of its own. The script that appends a message to a queue says who has no open
// socket; that is written down after the ack (messaging.absent), and until it is,
// the message stays in the outbox of messages.
//
// # A socket is a cursor
//
// A connected device is a cursor over its user's queue; a push is only the fast
// way to move it. The cursor (cluster.Offset) is a generation, a position, the
// commit time of the newest message seen, and a seq for each room with a log. A
// conn is either
//
//   - live: an entry whose position follows the cursor is written as it arrives;
//   - behind: pushes are not taken, and catchUp reads pages of the queue until the
//     cursor is level with all that was heard of; then it is live again.
//
// Whatever goes wrong makes a conn behind, and nothing else: a resume, a push
// whose predecessor was not seen, a reader slower than its pushes, a lost
// subscription, another generation. Where the queue does not reach back to the
// cursor, fill reads the history since the cursor's time, less a margin that
// exceeds the longest commit plus the skew of the nodes' clocks, and what the
// socket was shown recently is not shown again.
//
// Nothing relies on a publication arriving. Each session is asked of every half
// minute, and some each second (sweep): does it still hold its device, and where
// is its queue's head. After an interruption all are asked at once (heal), and
// when a session is missing without one: a server of a Redis Cluster may have
// been emptied while the others, and the generation, are well.
//
// # Generations
//
// Everything a user has in Redis belongs to a generation, a number minted in the
// database for one particular Redis server. A node that meets a Redis with
// another run id, or without the number, mints the next; two nodes that do so at
// once agree by a compare-and-set. A script that meets data of an older
// generation forgets it, one that meets a newer generation refuses, and its node
// catches up first. A node that learns of a new generation late may have delivered
// to a master that the others had left, after they filled in from the history: it
// delivers again what the outbox has still. Positions of a new queue begin at the clock, so that even
// within one generation a position of a queue that expired or was evicted is
// never taken for one of its successor.
//
// # Who is connected
//
// A sign-in is one transaction that locks the user, takes the next login number
// and ends the devices that must make room; the registry in Redis mirrors it,
// each entry a compare-and-set on the login number. A connect is one script that
// checks the registry, takes the device over, and returns the head of the queue.
// A session's id is its fence: releasing, renewing and kicking name it, and do
// nothing to another. Session ids sort by time, so of two sockets that believe to
// hold one device after Redis was lost, the later one keeps it. They have a tag of
// their node's run in them: a node that was killed, and is back under its name,
// holds none of the sockets that Redis still has for it.
//
// A node renews one lease every 3 s, for 10 s; the trust window is the lease:
// a node that could not renew for 10 s is dead to the others, its users are
// offline, and what it left in the outbox is delivered by others, which is
// harmless if it lives on. It may have died between the database and Redis, so
// they also tell again whom the database has as signed out since. Where nobody
// could renew, or Redis has lost the leases, each has 4 s to before it counts as
// dead. Presence is derived from leases and sessions whenever it is asked for.
// Watchers look again when they are told that something changed, when a grace
// time ends, and every 3 s anyway.
//
// # Goroutines
//
// Of a socket: its reader (in Serve, the caller's goroutine), a writer while
// there is something to write, a catcher-up while it is behind. Serve returns
// when all three have ended. Of a node: heal, sweep, pollOutbox, lobby, watch,
// tell, save, beat, obey, changes, in Run; of its cluster: the keeper of
// generation and canary, the subscriber, the lease, in cluster.Run; of its
// messenger: the committer, the deliverer, the reaper, the teller of absences, in
// Messenger.Run; of its notifier: the deliverer and the tidier, in Notifier.Run.
// None of them waits for a socket.
//
// # Locks
//
// In this order, and none is held while waiting for anything:
//
//	lobby.mu → conn.mu → Node.mu
//	hub.mu, watchers.mu, people.mu: alone
//
// # Limits, and what happens at them
//
//	a socket's unwritten bytes, 256 KiB   pushes stop, it is behind and catches up
//	                                      when most of it is read; typing and
//	                                      presence are dropped from 64 KiB on; the
//	                                      client is not read from meanwhile
//	unreported frames of catching up, 500 the device's "received" is waited for, but
//	                                      no longer than 1 s: not every client reports
//	frames under no limit, 500 a second   not read from until the second is over
//	a frame over TIELINE_LIMIT_*          refused; not read from for up to 100 ms
//	one frame, 64 KiB in any parts        closed with 1009
//	16 KiB written, 30 s                  cut off with 4008; it can resume
//	connections, the descriptors less 128 closed at once: another node has room
//	a request's headers, 10 s             closed
//	sends waiting, 8,192                  senders wait 2 s, then "unavailable"
//	a conversation locked elsewhere, 1 s  its sends are "unavailable"; others go on
//	signals waiting, 8,192                refused ("unavailable"), typing dropped
//	a queue in Redis, TIELINE_QUEUE_*     the oldest are trimmed; the history fills in
//	a conversation, 1,000 a resume        the older part is declared by a gap
//	absences to be told, 10,000           left in the outbox, and delivered again
//	changes of presence to be told, 50,000 let go; posts of hooks, 16: they wait
//	sockets catching up, 64               the others wait their turn
//	sockets coming or going, 16           the others wait their turn; who comes, for 5 s
//
// # What is not promised
//
// That the database keeps what it has committed. That a message is shown once
// across a lost Redis: it may come again, with the same seq. That signals and
// typing arrive. Any order across conversations.
package realtime
