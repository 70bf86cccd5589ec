package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// leaseRow says which node may do what only one does at a time.
type leaseRow struct {
	bun.BaseModel `bun:"table:leases,alias:le"`

	Name   string    `bun:"name,pk"`
	Holder string    `bun:"holder"`
	Until  time.Time `bun:"until"`
}

// lease takes a lease, or renews it, until a time; false while another holder
// has it. Times are those of the nodes, so what it guards must bear being done
// by two for as long as their clocks differ.
func (db *DB) lease(ctx context.Context, name, holder string, at, until time.Time) (ours bool, err error) {
	err = db.query(ctx, "store.lease", func(ctx context.Context, q bun.IDB) error {
		done, err := q.NewUpdate().Table("leases").Set("holder = ?", holder).Set("until = ?", micro(until)).
			Where("name = ?", name).Where("holder = ? OR until < ?", holder, micro(at)).Exec(ctx)
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		if ours = n > 0; err != nil || ours {
			return err
		}
		there, err := q.NewSelect().Table("leases").Where("name = ?", name).Exists(ctx)
		if err != nil || there {
			return err
		}
		_, err = q.NewInsert().Model(&leaseRow{Name: name, Holder: holder, Until: micro(until)}).Exec(ctx)
		if duplicate(err) != "" { // somebody else was first
			return nil
		}
		ours = err == nil
		return err
	})
	return ours, err
}
