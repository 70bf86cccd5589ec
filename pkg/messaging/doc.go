// Package messaging sends a message, pages its history, records its receipts.
//
// A send is resolved to a conversation, joins whatever other sends wait, is
// committed with them in one transaction, goes to the queues of its recipients,
// and is then acknowledged. What was committed and could not be delivered is in
// the database's outbox, and is delivered from there, by this node or another.
package messaging
