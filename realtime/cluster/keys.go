package cluster

import "github.com/tieline/tieline/pkg/chat"

// Every key and channel. The tag in braces keeps one user's keys in one slot of
// a Redis Cluster, so that a script can touch them together.
//
//	key                     type    lives     holds
//	tl:{u:U}:devices        hash    24 h      "@" generation, "d:"+device → state|login|platform or reason
//	tl:{u:U}:sessions       hash    90 s      device → session|node|platform|till (0 while open), renewed
//	tl:{u:U}:meta           hash    queue     gen, head (last position), "r:"+device → offset received
//	tl:{u:U}:queue          stream  queue     position-0 → k (what), o (origin session), b (body)
//	tl:{u:U}:watchers       zset    2 min     node → until when it watches this user's presence
//	tl:{r:R}:log            zset    queue     seq → body, of a room too large for queues
//	tl:nodes                hash    ever      node → until|description
//	tl:online:NODE          set     30 s      the users a node holds, renewed
//	tl:generation           string  ever      the generation Redis belongs to
//	tl:identity             string  ever      stands for the server's run id where it has none
//	tl:probe:NODE           string  10 s      shows that Redis takes writes
//	tl:ticket:HASH          string  30 s      whom a one-time ticket speaks for
//	tl:{m:PURPOSE:A}:sent   string  1 min     a mail went to the address whose hash is A
//	tl:{m:PURPOSE:A}:code   hash    5 min     h (hash of the code in it), left (tries)
//	tl:limit:OP:WHO         string  seconds   when the next operation is due
//	tl:to:NODE, tl:to:all   channel           envelopes for a node, for all nodes
const (
	keyNodes      = "tl:nodes"
	keyGeneration = "tl:generation"
	keyIdentity   = "tl:identity"
	channelAll    = "tl:to:all"
)

func userKey(u chat.UserID, what string) string { return "tl:{u:" + string(u) + "}:" + what }
func keyDevices(u chat.UserID) string           { return userKey(u, "devices") }
func keySessions(u chat.UserID) string          { return userKey(u, "sessions") }
func keyMeta(u chat.UserID) string              { return userKey(u, "meta") }
func keyQueue(u chat.UserID) string             { return userKey(u, "queue") }
func keyWatchers(u chat.UserID) string          { return userKey(u, "watchers") }
func keyLog(r chat.ConversationID) string       { return "tl:{r:" + string(r) + "}:log" }
func keyOnline(n chat.NodeID) string            { return "tl:online:" + string(n) }
func keyTicket(hash string) string              { return "tl:ticket:" + hash }
func keyMail(c *chat.MailedCode, what string) string {
	return "tl:{m:" + string(c.Purpose) + ":" + c.Address + "}:" + what
}
func keyLimit(op chat.Operation, who string) string {
	return "tl:limit:" + string(op) + ":" + who
}
func keyProbe(n chat.NodeID) string  { return "tl:probe:" + string(n) }
func channelOf(n chat.NodeID) string { return "tl:to:" + string(n) }
