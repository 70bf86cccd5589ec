package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/tieline/tieline/pkg/chat"
)

// Claimed is what a claim found.
type Claimed struct {
	Unknown  bool          // the registry does not know the device: ask the database, then Remember
	Ended    chat.Reason   // not empty: the device was signed out, and why
	Previous *Kick         // the session that this one takes the device over from
	Online   bool          // the user was online already
	Head     int64         // the newest position of the queue
	First    int64         // the oldest position that is kept
	Received string        // the offset that the device last reported, or ""
	Lobby    int64         // the newest seq in the lobby's log; 0 when that is not known
	Watchers []chat.NodeID // who wants to know that the user is here
}

// Claim makes a session the holder of its device, in one script: whoever held
// it before is named, to be told. Login is that of the access token, 0 when it
// does not say.
func (c *Cluster) Claim(ctx context.Context, s chat.Session, login int64) (Claimed, error) {
	var lobby *redis.ZSliceCmd
	reply, err := c.run(ctx, "claim", func(gen string) *call {
		return &call{
			script: claimScript,
			keys:   []string{keyDevices(s.User), keySessions(s.User), keyMeta(s.User), keyQueue(s.User), keyWatchers(s.User)},
			args: []any{gen, string(s.Device), login, string(s.ID), string(s.Node), string(s.Platform),
				sessionTTL.Milliseconds(), c.o.QueueAge.Milliseconds()},
		}
	}, func(p redis.Pipeliner) { lobby = p.ZRevRangeWithScores(ctx, keyLog(chat.Lobby), 0, 0) })
	if err != nil {
		return Claimed{}, err
	}
	switch {
	case len(reply) == 1:
		return Claimed{Unknown: true}, nil
	case len(reply) == 2:
		return Claimed{Ended: chat.Reason(text(reply[1]))}, nil
	case len(reply) < 6:
		return Claimed{}, c.unwell("claim", errEnvelope)
	}
	out := Claimed{Head: number(reply[2]), First: number(reply[3]), Received: text(reply[4]), Online: number(reply[5]) == 1}
	if newest := lobby.Val(); len(newest) > 0 {
		out.Lobby = int64(newest[0].Score)
	}
	if held, ok := readSession(s.User, s.Device, text(reply[1])); ok {
		out.Previous = &Kick{User: s.User, Device: s.Device, Session: held.ID, Reason: chat.Replaced, node: held.Node}
	}
	for _, n := range reply[6:] {
		out.Watchers = append(out.Watchers, chat.NodeID(text(n)))
	}
	return out, nil
}

// Release gives a device up if this session still holds it, and returns who
// watches the user. With grace the user stays online that much longer, so that
// a reconnect is not seen.
func (c *Cluster) Release(ctx context.Context, s chat.Session, grace time.Duration) ([]chat.NodeID, error) {
	reply, err := c.run(ctx, "release", func(string) *call {
		return &call{script: releaseScript, keys: []string{keySessions(s.User), keyWatchers(s.User)},
			args: []any{string(s.Device), string(s.ID), grace.Milliseconds()}}
	})
	var watchers []chat.NodeID
	for _, n := range texts(reply) {
		watchers = append(watchers, chat.NodeID(n))
	}
	return watchers, err
}

// Renewed is what renewing one session found.
type Renewed struct {
	Holder chat.SessionID // who holds the device; "" nobody
	Head   int64          // the newest position of the queue; -1: the queue is of another generation
}

// Renew renews sessions and reads how far their queues have come: what makes
// sure that nothing published was missed.
func (c *Cluster) Renew(ctx context.Context, sessions []chat.Session) ([]Renewed, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	calls := make([]*call, len(sessions))
	for i, s := range sessions {
		calls[i] = &call{script: renewScript, keys: []string{keySessions(s.User), keyMeta(s.User)},
			args: []any{c.gen(), string(s.Device), string(s.ID), sessionTTL.Milliseconds()}}
	}
	if err := pipeline(ctx, c.r.c, calls); err != nil {
		return nil, c.unwell("renew", err)
	}
	out := make([]Renewed, len(calls))
	for i, k := range calls {
		if reply, _ := k.cmd.Val().([]any); len(reply) == 2 {
			out[i] = Renewed{Holder: chat.SessionID(text(reply[0])), Head: number(reply[1])}
		}
	}
	return out, nil
}

// Kick tells the nodes that hold them to close these sessions, and no others.
func (c *Cluster) Kick(ctx context.Context, kicks []Kick) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out := map[chat.NodeID]*Envelope{}
	for _, k := range kicks {
		if out[k.node] == nil {
			out[k.node] = &Envelope{}
		}
		out[k.node].Kicks = append(out[k.node].Kicks, k)
	}
	return c.unwell("kick", c.publish(ctx, out))
}

// Open returns the open sessions of a user on live nodes.
func (c *Cluster) Open(ctx context.Context, u chat.UserID) ([]chat.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	all, err := c.r.c.HGetAll(ctx, keySessions(u)).Result()
	if err != nil {
		return nil, c.unwell("sessions", err)
	}
	var out []chat.Session
	for device, held := range all {
		if s, ok := readSession(u, chat.DeviceID(device), held); ok && isOpen(held) {
			out = append(out, s)
		}
	}
	if err := c.learn(ctx, out); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(out, func(s chat.Session) bool { return !c.holds(s) }), nil
}

// NewSession returns the id of a new session on this node. Ids sort by time, as
// those of chat.NewID do, and have a tag of the node's run in their middle.
func (c *Cluster) NewSession() chat.SessionID {
	id := chat.NewID()
	return chat.SessionID(id[:tagAt] + c.tag + id[tagAt:])
}

// tagAt is where the tag of a run begins in a session's id, behind the time, and
// tagLength its length.
const (
	tagAt     = 10
	tagLength = 8
)

// tagOf returns the tag in a session's id; "" when it has none.
func tagOf(id chat.SessionID) string {
	if len(id) < tagAt+tagLength+16 {
		return ""
	}
	return string(id[tagAt : tagAt+tagLength])
}

func bootTag(boot string) string {
	sum := sha256.Sum256([]byte(boot))
	return hex.EncodeToString(sum[:tagLength/2])
}

// readSession reads "session|node|platform|till".
func readSession(u chat.UserID, d chat.DeviceID, held string) (chat.Session, bool) {
	p := strings.Split(held, "|")
	if len(p) != 4 {
		return chat.Session{}, false
	}
	return chat.Session{ID: chat.SessionID(p[0]), User: u, Device: d, Node: chat.NodeID(p[1]), Platform: chat.Platform(p[2])}, true
}

// isOpen reports whether a session value is that of an open one.
func isOpen(held string) bool { return strings.HasSuffix(held, "|0") }

// openNodes returns the nodes named by the open ones of some session values.
func openNodes(held []string) []chat.NodeID {
	var out []chat.NodeID
next:
	for _, h := range held {
		s, ok := readSession("", "", h)
		if !ok || !isOpen(h) {
			continue
		}
		for _, n := range out {
			if n == s.Node {
				continue next
			}
		}
		out = append(out, s.Node)
	}
	return out
}
