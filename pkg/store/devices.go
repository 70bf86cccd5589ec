package store

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

type deviceRow struct {
	bun.BaseModel `bun:"table:devices,alias:d"`

	UserID         chat.UserID   `bun:"user_id,pk"`
	ID             chat.DeviceID `bun:"id,pk"`
	Platform       chat.Platform `bun:"platform"`
	Name           string        `bun:"name"`
	Login          int64         `bun:"login"`
	CreatedAt      time.Time     `bun:"created_at"`
	SignedInAt     time.Time     `bun:"signed_in_at"`
	LastSeen       time.Time     `bun:"last_seen"`
	RefreshHash    []byte        `bun:"refresh_hash"`
	RefreshPrev    []byte        `bun:"refresh_prev"`
	RefreshExpires time.Time     `bun:"refresh_expires,nullzero"`
	LobbySeq       int64         `bun:"lobby_seq"`
	Received       string        `bun:"received"`
	EndedAt        time.Time     `bun:"ended_at,nullzero"`
	EndReason      chat.Reason   `bun:"end_reason"`
}

// newDeviceRow is a device that signs in for the first time; insertDevices
// decides where it begins in the lobby.
func newDeviceRow(d chat.Device, r chat.Refresh, at time.Time) deviceRow {
	return deviceRow{
		UserID: d.User, ID: d.ID, Platform: d.Platform, Name: d.Name, Login: d.Login,
		CreatedAt: at, SignedInAt: at, LastSeen: at, RefreshHash: r.Hash, RefreshExpires: micro(r.Expires),
	}
}

// insertDevices adds devices, and notes what had been said in the lobby by then:
// in the transaction of the sign-in, so that all that is committed later is
// theirs, whoever else has lost or never knew where they began.
func insertDevices(ctx context.Context, tx bun.Tx, rows []deviceRow) error {
	said, err := lobbySeq(ctx, tx)
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].LobbySeq = said
	}
	_, err = tx.NewInsert().Model(&rows).Exec(ctx)
	return err
}

// lobbySeq returns the seq of the newest message in the lobby.
func lobbySeq(ctx context.Context, tx bun.Tx) (seq int64, err error) {
	err = tx.NewSelect().Table("conversations").Column("last_seq").Where("id = ?", chat.Lobby).Scan(ctx, &seq)
	return seq, err
}

func (r *deviceRow) device() chat.Device {
	return chat.Device{
		ID: r.ID, User: r.UserID, Platform: r.Platform, Name: r.Name, Login: r.Login, LobbySeq: r.LobbySeq,
		CreatedAt: r.CreatedAt.UTC(), LastSeen: r.LastSeen.UTC(), EndedAt: r.EndedAt.UTC(), EndReason: r.EndReason,
	}
}

// recordRow is a device beside its owner; the device may be missing.
type recordRow struct {
	UserID     chat.UserID   `bun:"user_id"`
	Admin      bool          `bun:"admin"`
	DisabledAt *time.Time    `bun:"disabled_at"`
	DeletedAt  *time.Time    `bun:"deleted_at"`
	ID         chat.DeviceID `bun:"id"`
	Platform   chat.Platform `bun:"platform"`
	Name       string        `bun:"name"`
	Login      int64         `bun:"login"`
	CreatedAt  time.Time     `bun:"created_at"`
	SignedInAt time.Time     `bun:"signed_in_at"`
	LastSeen   time.Time     `bun:"last_seen"`
	LobbySeq   int64         `bun:"lobby_seq"`
	Received   string        `bun:"received"`
	EndedAt    time.Time     `bun:"ended_at"`
	EndReason  chat.Reason   `bun:"end_reason"`
}

func (r *recordRow) record() chat.DeviceRecord {
	return chat.DeviceRecord{
		Device: chat.Device{
			ID: r.ID, User: r.UserID, Platform: r.Platform, Name: r.Name, Login: r.Login, LobbySeq: r.LobbySeq,
			CreatedAt: r.CreatedAt.UTC(), LastSeen: r.LastSeen.UTC(), EndedAt: r.EndedAt.UTC(), EndReason: r.EndReason,
		},
		SignedInAt: r.SignedInAt.UTC(), Received: r.Received,
		Disabled: r.DisabledAt != nil, Deleted: r.DeletedAt != nil, Admin: r.Admin,
	}
}

// Device returns a device with its owner's state, in one query. NotFound when
// there never was such a user; Login 0 when the user never had such a device.
func (s *Accounts) Device(ctx context.Context, user chat.UserID, id chat.DeviceID) (chat.DeviceRecord, error) {
	var row recordRow
	err := s.db.query(ctx, "store.device", func(ctx context.Context, q bun.IDB) error {
		return q.NewSelect().TableExpr("users AS u").
			ColumnExpr("u.id AS user_id, u.admin, u.disabled_at, u.deleted_at").
			ColumnExpr("d.id, d.platform, d.name, d.login, d.created_at, d.signed_in_at, d.last_seen, d.lobby_seq, d.received, d.ended_at, d.end_reason").
			Join("LEFT JOIN devices AS d ON d.user_id = u.id AND d.id = ?", id).
			Where("u.id = ?", user).Scan(ctx, &row)
	})
	if err != nil {
		return chat.DeviceRecord{}, err
	}
	return row.record(), nil
}

// List returns the devices that a user is signed in on, the latest first.
func (s *Accounts) List(ctx context.Context, user chat.UserID) ([]chat.Device, error) {
	var rows []deviceRow
	err := s.db.query(ctx, "store.devices", func(ctx context.Context, q bun.IDB) error {
		return q.NewSelect().Model(&rows).Where("user_id = ?", user).Where("ended_at IS NULL").Order("login DESC").Scan(ctx)
	})
	return devices(rows), err
}

func devices(rows []deviceRow) []chat.Device {
	out := make([]chat.Device, len(rows))
	for i := range rows {
		out[i] = rows[i].device()
	}
	return out
}

// EndDevice signs one device out, unless it signed in again after login (0:
// whenever it did). It returns the device as ended, or nothing when it was not
// signed in.
func (s *Accounts) EndDevice(ctx context.Context, user chat.UserID, id chat.DeviceID, login int64, why chat.Reason) ([]chat.Device, error) {
	return s.endThose(ctx, user, why, func(d *deviceRow) bool {
		return d.ID == id && (login == 0 || d.Login == login)
	})
}

// EndOthers signs a user out on every device but one ("": on every device). It
// returns the devices it ended.
func (s *Accounts) EndOthers(ctx context.Context, user chat.UserID, keep chat.DeviceID, why chat.Reason) ([]chat.Device, error) {
	return s.endThose(ctx, user, why, func(d *deviceRow) bool { return d.ID != keep })
}

// endThose signs out those of a user's devices that it is asked to.
func (s *Accounts) endThose(ctx context.Context, user chat.UserID, why chat.Reason, which func(*deviceRow) bool) ([]chat.Device, error) {
	var ended []chat.Device
	err := s.db.change(ctx, "store.end_devices", func(ctx context.Context, tx bun.Tx) error {
		ended = nil
		if _, err := s.lockUser(ctx, tx, user); err != nil {
			return err
		}
		open, err := openDevices(ctx, tx, user)
		if err != nil {
			return err
		}
		ended, err = endRows(ctx, tx, keepIf(open, which), why, now())
		return err
	})
	return ended, err
}

func keepIf(rows []deviceRow, which func(*deviceRow) bool) []deviceRow {
	var out []deviceRow
	for i := range rows {
		if which(&rows[i]) {
			out = append(out, rows[i])
		}
	}
	return out
}

// lockUser holds a user's row until the transaction ends; NotFound. SQLite has
// taken its one lock already.
func (s *Accounts) lockUser(ctx context.Context, tx bun.Tx, id chat.UserID) (userRow, error) {
	var row userRow
	q := tx.NewSelect().Model(&row).Where("id = ?", id)
	if s.db.isMySQL() {
		q.For("UPDATE")
	}
	return row, q.Scan(ctx)
}

// openDevices returns the devices that users are signed in on, each user's
// oldest sign-in first.
func openDevices(ctx context.Context, tx bun.Tx, users ...chat.UserID) ([]deviceRow, error) {
	var rows []deviceRow
	err := tx.NewSelect().Model(&rows).Where("user_id IN (?)", bun.List(users)).Where("ended_at IS NULL").
		Order("user_id", "login").Scan(ctx)
	return rows, err
}

// endRows signs devices out whose users' rows are locked. Their refresh tokens
// are kept: one that comes back is told why it is no good.
func endRows(ctx context.Context, tx bun.Tx, rows []deviceRow, why chat.Reason, at time.Time) ([]chat.Device, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	byUser := make(map[chat.UserID][]chat.DeviceID)
	ended := make([]chat.Device, len(rows))
	for i := range rows {
		rows[i].EndedAt, rows[i].EndReason = at, why
		ended[i] = rows[i].device()
		byUser[rows[i].UserID] = append(byUser[rows[i].UserID], rows[i].ID)
	}
	for user, ids := range byUser {
		_, err := tx.NewUpdate().Table("devices").Set("ended_at = ?", at).Set("end_reason = ?", why).
			Where("user_id = ?", user).Where("id IN (?)", bun.List(ids)).Where("ended_at IS NULL").Exec(ctx)
		if err != nil {
			return nil, err
		}
	}
	return ended, nil
}
