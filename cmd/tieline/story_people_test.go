package main_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
)

// User is somebody in a story. What a user does without naming a device happens
// on the first one, "web".
type User struct {
	*device
	ID       chat.UserID
	name     string
	password string
	devices  []*place
}

// device is where somebody is signed in. Its verbs wait as long as Within said.
type device struct {
	*place
	within time.Duration
}

// place is what a device knows and remembers, whatever its verbs wait for.
type place struct {
	s        *story
	user     *User
	id       chat.DeviceID
	platform chat.Platform
	grant    client.Grant
	line     *line // its newest socket; nil before the first
	old      []*line

	mu     sync.Mutex // the readers of lines write these
	offset string     // of the newest frame
	seen   map[seat]bool
	newest map[sender]int64
	broken []string // promises, to be told by the next verb
}

// seat is the place of a message; sender is somebody in a conversation.
type (
	seat struct {
		in  chat.ConversationID
		seq int64
	}
	sender struct {
		in   chat.ConversationID
		from chat.UserID
	}
)

// place makes a device that is not signed in.
func (u *User) place(s *story, id chat.DeviceID, p chat.Platform) *device {
	d := &place{s: s, user: u, id: id, platform: p}
	d.forget()
	u.devices = append(u.devices, d)
	return &device{place: d, within: soon}
}

// Device signs in on another device, or returns the one that was signed in on
// before.
func (u *User) Device(id chat.DeviceID, p chat.Platform) *device {
	u.s.t.Helper()
	for _, d := range u.devices {
		if d.id == id {
			return &device{place: d, within: soon}
		}
	}
	d := u.place(u.s, id, p)
	d.SignsIn()
	return d
}

// Within gives the verb that follows another deadline: a promise, and what a busy
// machine adds to it.
func (d *device) Within(t time.Duration) *device {
	return &device{place: d.place, within: d.s.patience(t)}
}

// String is how failures name the device.
func (d *place) String() string { return d.user.name + "'s " + string(d.id) }

// SignsIn signs in by password; it does not connect. What was signed in on this
// device before is over.
func (d *device) SignsIn() *device {
	d.s.t.Helper()
	ctx, cancel := d.deadline()
	defer cancel()
	g, err := d.s.api("").Login(ctx, d.user.name, d.user.password, &client.Place{ID: d.id, Platform: d.platform, Name: string(d.id)})
	if err != nil {
		d.s.t.Fatalf("%s could not sign in: %v", d, err)
	}
	d.granted(g)
	return d
}

// SignsOut ends this device's session.
func (d *device) SignsOut() {
	d.s.t.Helper()
	d.does(func(ctx context.Context, a *client.API) error { return a.Logout(ctx) })
}

// Removes ends the session of another of one's devices.
func (d *device) Removes(other *device) {
	d.s.t.Helper()
	d.does(func(ctx context.Context, a *client.API) error { return a.RemoveDevice(ctx, other.id) })
}

// ChangesPassword sets another password; every other device is signed out.
func (d *device) ChangesPassword(to string) {
	d.s.t.Helper()
	d.does(func(ctx context.Context, a *client.API) error { return a.ChangePassword(ctx, d.user.password, to) })
	d.user.password = to
	d.s.keepSecret(to)
}

// does something over HTTP, as this device, that must work.
func (d *device) does(call func(context.Context, *client.API) error) {
	d.s.t.Helper()
	ctx, cancel := d.deadline()
	defer cancel()
	if err := call(ctx, d.API()); err != nil {
		d.s.t.Fatalf("%s: %v", d, err)
	}
}

// IsRefused expects an HTTP call, as this device, to be refused with a code, and
// a reason if one is given.
func (d *device) IsRefused(code chat.Kind, reason chat.Reason, call func(context.Context, *client.API) error) {
	d.s.t.Helper()
	ctx, cancel := d.deadline()
	defer cancel()
	err := call(ctx, d.API())
	var e *client.Error
	if !errors.As(err, &e) || e.Code != code || e.Reason != reason {
		d.s.t.Fatalf("%s: %v, want to be refused with %s %s", d, err, code, reason)
	}
}

// API speaks HTTP as this device, for what has no verb.
func (d *place) API() *client.API { return d.s.api(d.grant.AccessToken) }

func (d *device) deadline() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d.within)
}

func (d *place) granted(g client.Grant) {
	d.grant = g
	d.s.keepSecret(g.AccessToken, g.RefreshToken)
}

// On connects to a node and returns when everything missed has come. Where the
// device is connected to that node already, there is nothing to do.
func (d *device) On(node string) *device {
	d.s.t.Helper()
	if d.line != nil && d.line.open() {
		if d.line.node.id != node {
			d.s.t.Fatalf("%s is on %s: it Leaves first, or TakesOver", d, d.line.node.id)
		}
		return d
	}
	d.connect(node)
	return d
}

// Returns connects again, to any node, and resumes behind the newest frame that
// it was sent.
func (d *device) Returns(node string) *device {
	d.s.t.Helper()
	if d.line != nil && d.line.open() {
		if err := d.line.end(d.within); err == nil {
			d.s.t.Fatalf("%s has not left %s", d, d.line.node.id)
		}
	}
	d.connect(node)
	return d
}

// Forgets drops the offset and what was shown, as a program does that was
// installed anew: the server goes by what the device has reported.
func (d *device) Forgets() *device {
	d.forget()
	return d
}

// Tries connects without expecting it to work; IsKicked, ClosedWith and IsTold
// say what becomes of it.
func (d *device) Tries(node string) *device {
	d.s.t.Helper()
	d.dial(node)
	return d
}

// TakesOver connects while the same device is connected already, and returns the
// old socket, to be asked what it was told.
func (d *device) TakesOver(node string) (old *device) {
	d.s.t.Helper()
	was := &place{s: d.s, user: d.user, id: d.id, platform: d.platform, grant: d.grant, line: d.line}
	d.connect(node)
	return &device{place: was, within: d.within}
}

func (d *device) connect(node string) {
	d.s.t.Helper()
	d.dial(node)
	if err := d.line.await(d.within, func() bool { return len(d.line.queues[client.TypeSynced]) > 0 }); err != nil {
		d.fail("is not let in by %s: %v", node, err)
	}
	d.check()
}

// dial opens a socket and nothing more.
func (d *device) dial(node string) {
	d.s.t.Helper()
	n := d.s.Node(node)
	ctx, cancel := d.deadline()
	defer cancel()
	raw, err := client.DialRaw(ctx, client.RawOptions{
		URL: n.URL(), Token: d.grant.AccessToken, Device: d.id, Platform: d.platform, Offset: d.newestOffset(),
	})
	if err != nil {
		d.s.t.Fatalf("%s cannot reach %s: %v", d, node, err)
	}
	if d.line != nil {
		d.old = append(d.old, d.line)
	}
	d.line = openLine(d.place, n, raw)
}

// Leaves closes the socket politely and returns when the server has, too.
func (d *device) Leaves() {
	d.s.t.Helper()
	d.line.raw.Bye(d.within)
	if d.line.end(d.within) == nil {
		d.fail("has said goodbye, and the server has not")
	}
}

// Vanishes cuts the connection without a goodbye.
func (d *device) Vanishes() {
	d.line.raw.Close()
	d.line.gone.Wait()
}

// close ends every socket that somebody ever had.
func (u *User) close() {
	for _, d := range u.devices {
		for _, l := range append(d.old, d.line) {
			if l != nil {
				l.raw.Close()
				l.gone.Wait()
			}
		}
		for _, b := range d.broken {
			d.s.t.Errorf("%s: %s", d, b)
		}
	}
}

// fail ends the test at the story's line, with the newest frames.
func (d *device) fail(format string, args ...any) {
	d.s.t.Helper()
	text := fmt.Sprintf(format, args...)
	if d.line != nil {
		text += "\n" + d.line.recent()
	}
	d.s.t.Fatalf("%s %s", d, text)
}

// check fails if the server has broken a promise to this device.
func (d *device) check() {
	d.s.t.Helper()
	d.mu.Lock()
	broken := d.broken
	d.broken = nil
	d.mu.Unlock()
	if len(broken) > 0 {
		d.fail("was promised otherwise: %v", broken)
	}
}

func (d *place) setOffset(offset string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.offset = offset
}

func (d *place) newestOffset() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.offset
}

func (d *place) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.offset, d.seen, d.newest = "", map[seat]bool{}, map[sender]int64{}
}

func (d *place) violated(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = append(d.broken, fmt.Sprintf(format, args...))
}

// shown notes a message and reports whether it is new to the device; the second
// time, and one before an earlier one of the same sender, is a broken promise.
func (d *place) shown(f *frame) bool {
	at, who := seat{f.Conversation, f.Seq}, sender{f.Conversation, f.sender()}
	d.mu.Lock()
	again, newest := d.seen[at], d.newest[who]
	if d.seen != nil {
		d.seen[at], d.newest[who] = true, max(newest, f.Seq)
	}
	d.mu.Unlock()
	switch {
	case again && !d.s.lossy.Load():
		d.violated("%q, seq %d, was shown twice", f.Text, f.Seq)
	case !again && f.Seq < newest:
		d.violated("%q, seq %d, was shown after seq %d of the same sender", f.Text, f.Seq, newest)
	}
	return !again
}
