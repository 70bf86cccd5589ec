package cluster

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// The registry mirrors which devices are signed in, so that neither a connect
// nor a request needs the database. The database decides; every change here is
// a compare-and-set on its login number, and what an older generation recorded
// is forgotten.

// SignedIn records a sign-in and the devices that it displaced, and closes
// their sockets and the one that the device itself still had.
func (c *Cluster) SignedIn(ctx context.Context, d chat.Device, ended []chat.Device) error {
	state := "a"
	if d.CreatedAt.Equal(d.LastSeen) {
		state = "n" // so its user's queue begins for it here
	}
	changes := append(endings(ended), change{d.ID, state, d.Login, string(d.Platform)})
	return c.record(ctx, d.User, changes, RoomSeq{chat.Lobby, d.LobbySeq})
}

// End records that devices were signed out, each for its EndReason, tells their
// sockets and closes them, on whichever node.
func (c *Cluster) End(ctx context.Context, ended []chat.Device) error {
	byUser := map[chat.UserID][]chat.Device{}
	for _, d := range ended {
		byUser[d.User] = append(byUser[d.User], d)
	}
	for u, devices := range byUser {
		if err := c.record(ctx, u, endings(devices)); err != nil {
			return err
		}
	}
	return nil
}

// Remember fills the registry from the database after a miss; it closes nothing.
func (c *Cluster) Remember(ctx context.Context, d chat.Device) error {
	if !d.EndedAt.IsZero() {
		return c.record(ctx, d.User, endings([]chat.Device{d}))
	}
	return c.record(ctx, d.User, []change{{d.ID, "r", d.Login, string(d.Platform)}})
}

// Check returns what the registry knows of a device; known is false when it has
// to be asked of the database.
func (c *Cluster) Check(ctx context.Context, u chat.UserID, d chat.DeviceID) (st chat.DeviceState, known bool, err error) {
	if !c.Up() {
		return st, false, &chat.Error{Kind: chat.Unavailable, Op: "cluster.check"}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	v, err := c.r.c.HMGet(ctx, keyDevices(u), "@", "d:"+string(d)).Result()
	if err != nil {
		return st, false, c.unwell("check", err)
	}
	parts := strings.SplitN(text(v[1]), "|", 3)
	if len(parts) != 3 || text(v[0]) != c.gen() {
		return st, false, nil
	}
	st.Login, _ = strconv.ParseInt(parts[1], 10, 64)
	if parts[0] == "e" {
		st.Ended = chat.Reason(parts[2])
	}
	return st, true, nil
}

// change is one device's line in the registry: signed in for the first time
// ("n") or again ("a"), ended ("e"), or remembered ("r").
type change struct {
	device chat.DeviceID
	state  string
	login  int64
	what   string
}

func endings(devices []chat.Device) []change {
	out := make([]change, 0, len(devices)+1)
	for _, d := range devices {
		out = append(out, change{d.ID, "e", d.Login, string(d.EndReason)})
	}
	return out
}

// record carries changes to the registry of one user, and tells the sockets that
// must close. Rooms are where a device that signs in for the first time begins in
// the rooms that have a log.
func (c *Cluster) record(ctx context.Context, u chat.UserID, changes []change, rooms ...RoomSeq) error {
	if len(changes) == 0 {
		return nil
	}
	if !c.Up() {
		return &chat.Error{Kind: chat.Unavailable, Op: "cluster.record", Retry: time.Second}
	}
	suffix := string(appendRooms(strconv.AppendInt([]byte{'.'}, time.Now().UnixMilli(), 10), rooms))
	reply, err := c.run(ctx, "record", func(gen string) *call {
		args := []any{c.o.QueueAge.Milliseconds(), gen, suffix}
		for _, ch := range changes {
			args = append(args, string(ch.device), ch.state, ch.login, ch.what)
		}
		return &call{script: devicesScript, keys: []string{keyDevices(u), keySessions(u), keyMeta(u), keyQueue(u)}, args: args}
	})
	if err != nil {
		return err
	}
	var kicks []Kick
	for _, v := range reply {
		if t := texts(v); len(t) == 3 {
			if s, ok := readSession(u, chat.DeviceID(t[0]), t[1]); ok {
				kicks = append(kicks, Kick{User: u, Device: s.Device, Session: s.ID, Reason: chat.Reason(t[2]), node: s.Node})
			}
		}
	}
	if len(kicks) == 0 {
		return nil
	}
	if err := c.Kick(ctx, kicks); err != nil {
		return err
	}
	return c.changed(ctx, u)
}

// changed tells whoever watches a user, after sockets were closed from afar.
func (c *Cluster) changed(ctx context.Context, u chat.UserID) error {
	nodes, err := c.r.c.ZRange(ctx, keyWatchers(u), 0, -1).Result()
	if err != nil {
		return c.unwell("watchers", err)
	}
	var to []chat.NodeID
	for _, n := range nodes {
		to = append(to, chat.NodeID(n))
	}
	return c.TellWatchers(ctx, u, to)
}

// PutTicket keeps whom a one-time ticket speaks for.
func (c *Cluster) PutTicket(ctx context.Context, hash string, id chat.Identity, ttl time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	value := strings.Join([]string{string(id.User), string(id.Device), strconv.FormatInt(id.Login, 10)}, "\x00")
	return c.unwell("ticket", c.r.c.Set(ctx, keyTicket(hash), value, ttl).Err())
}

// TakeTicket returns whom a ticket speaks for, once.
func (c *Cluster) TakeTicket(ctx context.Context, hash string) (id chat.Identity, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	// Never repeated by the client: a lost reply must not look like a used ticket
	// of somebody else's.
	value, err := c.r.once.GetDel(ctx, keyTicket(hash)).Result()
	if isNil(err) {
		return id, false, nil
	}
	if err != nil {
		return id, false, c.unwell("ticket", err)
	}
	p := strings.Split(value, "\x00")
	if len(p) != 3 {
		return id, false, nil
	}
	id.User, id.Device = chat.UserID(p[0]), chat.DeviceID(p[1])
	id.Login, _ = strconv.ParseInt(p[2], 10, 64)
	return id, true, nil
}
