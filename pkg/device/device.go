// Package device lists the devices a person is signed in on, and ends the
// sessions of some of them.
package device

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// Directory keeps which devices are signed in; its word is final.
type Directory interface {
	List(ctx context.Context, user chat.UserID) ([]chat.Device, error)
	EndDevice(ctx context.Context, user chat.UserID, id chat.DeviceID, login int64, why chat.Reason) (ended []chat.Device, err error)
	EndOthers(ctx context.Context, user chat.UserID, keep chat.DeviceID, why chat.Reason) (ended []chat.Device, err error)
}

// Roster knows which devices have a socket open.
type Roster interface {
	Open(ctx context.Context, user chat.UserID) ([]chat.Session, error)
}

// Registry is told of devices that were signed out, and closes their sockets.
type Registry interface {
	End(ctx context.Context, ended []chat.Device) error
}

// Devices lists and ends devices. It may be used by many goroutines.
type Devices struct {
	dir    Directory
	roster Roster
	reg    Registry
}

// New makes a Devices.
func New(dir Directory, roster Roster, reg Registry) *Devices { return &Devices{dir, roster, reg} }

// Info is a device as its owner sees it in the list.
type Info struct {
	chat.Device
	Online  bool
	Node    chat.NodeID // that holds its socket, while Online
	Current bool        // the one that asks
}

// List returns the devices that somebody is signed in on, the latest sign-in
// first. Unavailable while nobody can say which of them are online.
func (d *Devices) List(ctx context.Context, id chat.Identity) ([]Info, error) {
	devices, err := d.dir.List(ctx, id.User)
	if err != nil {
		return nil, err
	}
	open, err := d.roster.Open(ctx, id.User)
	if err != nil {
		return nil, err
	}
	node := make(map[chat.DeviceID]chat.NodeID, len(open))
	for _, s := range open {
		node[s.Device] = s.Node
	}
	out := make([]Info, len(devices))
	for i, dev := range devices {
		out[i] = Info{Device: dev, Current: dev.ID == id.Device}
		if out[i].Node, out[i].Online = node[dev.ID]; out[i].Online {
			out[i].LastSeen = time.Now().UTC()
		}
	}
	return out, nil
}

// End signs one device of a user out. NotFound when it is not signed in.
func (d *Devices) End(ctx context.Context, user chat.UserID, device chat.DeviceID, why chat.Reason) error {
	ended, err := d.dir.EndDevice(ctx, user, device, 0, why)
	if err == nil && len(ended) == 0 {
		return chat.E("device.end", chat.NotFound, nil)
	}
	return d.tell(ctx, ended, err)
}

// EndOthers signs somebody out on every device but the one they ask from.
func (d *Devices) EndOthers(ctx context.Context, id chat.Identity, why chat.Reason) error {
	ended, err := d.dir.EndOthers(ctx, id.User, id.Device, why)
	return d.tell(ctx, ended, err)
}

// EndAll signs a user out everywhere.
func (d *Devices) EndAll(ctx context.Context, user chat.UserID, why chat.Reason) error {
	ended, err := d.dir.EndOthers(ctx, user, "", why)
	return d.tell(ctx, ended, err)
}

// How often, and how long, the registry is told.
const (
	tellTries  = 3
	tellPause  = 50 * time.Millisecond
	tellWithin = 3 * time.Second
)

// tell passes on what the database has committed, also when the caller has gone
// away. If the registry cannot be reached the sessions have ended all the same:
// the nodes read recent ends from the database once Redis is well again.
func (d *Devices) tell(ctx context.Context, ended []chat.Device, err error) error {
	if err != nil || len(ended) == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellWithin)
	defer cancel()
	for try := range tellTries {
		if d.reg.End(ctx, ended) == nil {
			return nil
		}
		wait := time.NewTimer(tellPause << try)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return nil
		}
	}
	return nil
}
