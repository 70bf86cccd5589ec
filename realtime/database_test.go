package realtime

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/store"
)

// database is the real one, whose calls a test may hold up or refuse.
type database struct {
	*store.Messages
	*store.Accounts
	ledger *store.Ledger

	mu sync.Mutex
	on func(call string) error
}

// hook has f asked before each call, by its name; nil for none.
func (d *database) hook(f func(call string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.on = f
}

func (d *database) ask(call string) error {
	d.mu.Lock()
	f := d.on
	d.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(call)
}

// away refuses every call.
func away(string) error { return chat.E("test", chat.Unavailable, nil) }

func (d *database) Append(ctx context.Context, node string, n int64, batch []*chat.Pending) error {
	if err := d.ask("Append"); err != nil {
		return err
	}
	return d.Messages.Append(ctx, node, n, batch)
}

func (d *database) Conversation(ctx context.Context, id chat.ConversationID) (chat.Conversation, error) {
	if err := d.ask("Conversation"); err != nil {
		return chat.Conversation{}, err
	}
	return d.Messages.Conversation(ctx, id)
}

func (d *database) Missed(ctx context.Context, u chat.UserID, since time.Time, most int) ([]chat.Missed, error) {
	if err := d.ask("Missed"); err != nil {
		return nil, err
	}
	out, err := d.Messages.Missed(ctx, u, since, most)
	if err == nil {
		err = d.ask("after Missed")
	}
	return out, err
}

func (d *database) Device(ctx context.Context, u chat.UserID, id chat.DeviceID) (chat.DeviceRecord, error) {
	if err := d.ask("Device"); err != nil {
		return chat.DeviceRecord{}, err
	}
	return d.Accounts.Device(ctx, u, id)
}

func (d *database) EndedSince(ctx context.Context, since time.Time, each func([]chat.Device) error) error {
	if err := d.ask("EndedSince"); err != nil {
		return err
	}
	return d.Accounts.EndedSince(ctx, since, each)
}

func (d *database) LastSeen(ctx context.Context, users []chat.UserID) (map[chat.UserID]time.Time, error) {
	refused := make(chan error, 1)
	go func() { refused <- d.ask("LastSeen") }() // a test may freeze it
	select {
	case err := <-refused:
		if err != nil {
			return nil, err
		}
		return d.Accounts.LastSeen(ctx, users)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (d *database) Leftovers(ctx context.Context, node string, after int64, limit int) ([]chat.Leftover, error) {
	if err := d.ask("Leftovers"); err != nil {
		return nil, err
	}
	return d.Messages.Leftovers(ctx, node, after, limit)
}

func (d *database) LeftoverNodes(ctx context.Context) (map[string]int64, error) {
	if err := d.ask("LeftoverNodes"); err != nil {
		return nil, err
	}
	return d.Messages.LeftoverNodes(ctx)
}

func (d *database) SaveProgress(ctx context.Context, all []chat.Progress) error {
	if err := d.ask("SaveProgress"); err != nil {
		return err
	}
	return d.Accounts.SaveProgress(ctx, all)
}

func (d *database) Generation(ctx context.Context) (int64, string, error) {
	if err := d.ask("Generation"); err != nil {
		return 0, "", err
	}
	return d.ledger.Generation(ctx)
}

func (d *database) Mint(ctx context.Context, from, to int64, identity string) error {
	if err := d.ask("Mint"); err != nil {
		return err
	}
	return d.ledger.Mint(ctx, from, to, identity)
}

// holdUp lets the first call of a name wait until goOn, and says when it does.
func (d *database) holdUp(t *testing.T, name string) (waits <-chan struct{}, goOn func()) {
	reached, on := make(chan struct{}), make(chan struct{})
	first := sync.OnceFunc(func() { close(reached); <-on })
	d.hook(func(call string) error {
		if call == name {
			first()
		}
		return nil
	})
	goOn = sync.OnceFunc(func() { close(on) })
	t.Cleanup(goOn)
	return reached, goOn
}
