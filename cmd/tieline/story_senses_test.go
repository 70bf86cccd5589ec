package main_test

import (
	"reflect"
	"strings"

	"github.com/tieline/tieline/pkg/wire"
)

// The verbs for what is not a message: presence, typing, signals, receipts,
// events.

// Watches asks to be told who of these people is online.
func (d *device) Watches(people ...*User) *device {
	d.s.t.Helper()
	f := wire.ClientFrame{Type: wire.Watch}
	for _, u := range people {
		f.Users = append(f.Users, u.ID)
	}
	if err := d.line.raw.Send(f); err != nil {
		d.fail("cannot watch: %v", err)
	}
	return d
}

// SeesOnline waits until somebody watched is shown online.
func (d *device) SeesOnline(u *User) { d.s.t.Helper(); d.sees(u, true) }

// SeesOffline waits until somebody watched is shown offline.
func (d *device) SeesOffline(u *User) { d.s.t.Helper(); d.sees(u, false) }

func (d *device) sees(u *User, online bool) {
	d.s.t.Helper()
	err := d.line.await(d.within, func() bool {
		now, known := d.line.presence[u.ID]
		return known && now == online
	})
	if err != nil {
		d.fail("does not see %s with online=%v: %v", u.name, online, err)
	}
}

// Signals passes data to whoever is there.
func (d *device) Signals(to addressee, data any) {
	d.s.t.Helper()
	t := to.target()
	err := d.line.raw.Send(struct {
		Type string      `json:"type"`
		To   wire.Target `json:"to"`
		Data any         `json:"data"`
	}{wire.Signal, t, data})
	if err != nil {
		d.fail("cannot signal: %v", err)
	}
}

// HearsSignal waits for the next signal, from somebody, with this data (as
// encoding/json decodes it).
func (d *device) HearsSignal(from *User, data any) {
	d.s.t.Helper()
	f, err := d.line.next(wire.Signal, d.within)
	if err != nil || f.sender() != from.ID || !reflect.DeepEqual(f.Data, data) {
		d.fail("hears the signal %v of %s (%v), want %v of %s", f.Data, f.sender(), err, data, from.name)
	}
}

// Types says that one is writing, or no longer is.
func (d *device) Types(to addressee, on bool) {
	d.s.t.Helper()
	t := to.target()
	if err := d.line.raw.Send(wire.ClientFrame{Type: wire.Typing, To: &t, On: on}); err != nil {
		d.fail("cannot type: %v", err)
	}
}

// SeesTyping waits to be told that somebody is writing, or no longer is.
func (d *device) SeesTyping(from *User, on bool) {
	d.s.t.Helper()
	f, err := d.line.next(wire.Typing, d.within)
	if err != nil || f.sender() != from.ID || f.On != on {
		d.fail("sees %s typing=%v (%v), want %s typing=%v", f.sender(), f.On, err, from.name, on)
	}
}

// Reads says that everything up to something said was read.
func (d *device) Reads(said Said) {
	d.s.t.Helper()
	if err := d.line.raw.Send(wire.ClientFrame{Type: wire.Read, Conversation: said.Conversation, Seq: said.Seq}); err != nil {
		d.fail("cannot read: %v", err)
	}
}

// SeesRead waits for the receipt of something said.
func (d *device) SeesRead(by *User, said Said) {
	d.s.t.Helper()
	f, err := d.line.next(wire.Receipt, d.within)
	if err != nil || f.User != by.ID || f.Conversation != said.Conversation || f.Seq != said.Seq {
		d.fail("sees that %s read up to %d (%v), want %s up to %d", f.User, f.Seq, err, by.name, said.Seq)
	}
}

// HearsEvent waits for the next event, which must have this name.
func (d *device) HearsEvent(name string) {
	d.s.t.Helper()
	if f, err := d.line.next(wire.Event, d.within); err != nil || f.Name != name {
		d.fail("hears of %q (%v), want %q", f.Name, err, name)
	}
}

// HearsAnnounced waits for a system message that contains a text.
func (d *device) HearsAnnounced(part string) {
	d.s.t.Helper()
	if f, err := d.line.next(announced, d.within); err != nil || !strings.Contains(f.Text, part) {
		d.fail("hears the announcement %q (%v), want %q in it", f.Text, err, part)
	}
}
