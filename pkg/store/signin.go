package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// SignIn signs a device in and ends those that the policy displaces, in one
// transaction under the user's lock: of two sign-ins the later one, by Login,
// always finds the earlier. Unauthorized when there is no such user,
// AccountDisabled, or Conflict when the password changed since it was checked.
func (s *Accounts) SignIn(ctx context.Context, in chat.SignIn) (chat.SignedIn, error) {
	var out chat.SignedIn
	err := s.db.change(ctx, "store.sign_in", func(ctx context.Context, tx bun.Tx) error {
		user, err := s.lockUser(ctx, tx, in.Device.User)
		if err != nil && chat.KindOf(fail("", err)) != chat.NotFound {
			return err
		}
		switch {
		case err != nil || !user.DeletedAt.IsZero():
			return chat.E("store.sign_in", chat.Unauthorized, nil)
		case !user.DisabledAt.IsZero():
			return chat.E("store.sign_in", chat.AccountDisabled, nil)
		case user.PasswordHash != in.Verified:
			return chat.E("store.sign_in", chat.Conflict, nil)
		}
		hash := cmp.Or(in.Upgraded, in.Verified)
		_, err = tx.NewUpdate().Table("users").Set("login_seq = ?", user.LoginSeq+1).Set("password_hash = ?", hash).
			Where("id = ?", user.ID).Exec(ctx)
		if err != nil {
			return err
		}
		in.Device.Login = user.LoginSeq + 1
		out, err = s.putDevice(ctx, tx, in)
		return err
	})
	return out, err
}

// putDevice makes or revives a device of a locked user, and ends others.
func (s *Accounts) putDevice(ctx context.Context, tx bun.Tx, in chat.SignIn) (chat.SignedIn, error) {
	at := now()
	rows := []deviceRow{newDeviceRow(in.Device, in.Refresh, at)}
	row := &rows[0]
	var before deviceRow
	err := tx.NewSelect().Model(&before).Where("user_id = ?", row.UserID).Where("id = ?", row.ID).Scan(ctx)
	switch {
	case err == nil:
		row.CreatedAt, row.LobbySeq, row.Received = before.CreatedAt.UTC(), before.LobbySeq, before.Received
		_, err = tx.NewUpdate().Model(row).WherePK().
			Column("platform", "name", "login", "signed_in_at", "last_seen", "refresh_hash", "refresh_prev", "refresh_expires", "ended_at", "end_reason").Exec(ctx)
	case chat.KindOf(fail("", err)) == chat.NotFound:
		err = insertDevices(ctx, tx, rows)
	}
	if err != nil {
		return chat.SignedIn{}, err
	}
	open, err := openDevices(ctx, tx, row.UserID)
	if err != nil {
		return chat.SignedIn{}, err
	}
	ended, err := endRows(ctx, tx, displaced(in.Policy, in.MaxDevices, row, open), chat.SignedInElsewhere, at)
	return chat.SignedIn{Device: row.device(), Ended: ended}, err
}

// displaced picks, from a user's open devices with the oldest sign-in first,
// those that have to make room for one.
func displaced(policy chat.Policy, most int, by *deviceRow, open []deviceRow) []deviceRow {
	others := keepIf(open, func(d *deviceRow) bool { return d.ID != by.ID })
	switch policy {
	case chat.Single:
		return others
	case chat.PerPlatform:
		return keepIf(others, func(d *deviceRow) bool { return d.Platform == by.Platform })
	}
	return others[:max(0, len(others)-max(most, 1)+1)]
}

// SignInNew signs a new device in for each of many users, whoever they are, as a
// trusted operator does; no user may be named twice. It returns what became of
// each, in order; the zero SignedIn where there is no such user or the account
// is disabled.
func (s *Accounts) SignInNew(ctx context.Context, policy chat.Policy, most int, in []chat.Device) ([]chat.SignedIn, error) {
	out := make([]chat.SignedIn, len(in))
	err := s.db.change(ctx, "store.sign_in_new", func(ctx context.Context, tx bun.Tx) error {
		clear(out)
		users, err := s.lockActive(ctx, tx, in)
		if err != nil || len(users) == 0 {
			return err
		}
		at := now()
		var rows []deviceRow
		var whose []int // of each row, its place in what was asked for
		for i, d := range in {
			if u, ok := users[d.User]; ok {
				d.Login = u.LoginSeq + 1
				rows, whose = append(rows, newDeviceRow(d, chat.Refresh{}, at)), append(whose, i)
			}
		}
		if err := insertDevices(ctx, tx, rows); err != nil {
			return err
		}
		for n, i := range whose {
			out[i].Device = rows[n].device()
		}
		return makeRoom(ctx, tx, policy, most, rows, out, at)
	})
	return out, err
}

// lockActive locks the users of devices that may sign in, in the order of their
// ids so that nobody waits in a circle, and counts a sign-in of each.
func (s *Accounts) lockActive(ctx context.Context, tx bun.Tx, in []chat.Device) (map[chat.UserID]userRow, error) {
	ids := make([]chat.UserID, len(in))
	for i, d := range in {
		ids[i] = d.User
	}
	slices.Sort(ids)
	var rows []userRow
	q := tx.NewSelect().Model(&rows).Where("id IN (?)", bun.List(ids)).Where("disabled_at IS NULL").Where("deleted_at IS NULL").Order("id")
	if s.db.isMySQL() {
		q.For("UPDATE")
	}
	if err := q.Scan(ctx); err != nil || len(rows) == 0 {
		return nil, err
	}
	users := make(map[chat.UserID]userRow, len(rows))
	ids = ids[:0]
	for _, r := range rows {
		users[r.ID] = r
		ids = append(ids, r.ID)
	}
	_, err := tx.NewUpdate().Table("users").Set("login_seq = login_seq + 1").Where("id IN (?)", bun.List(ids)).Exec(ctx)
	return users, err
}

// makeRoom ends what each of the new devices displaces.
func makeRoom(ctx context.Context, tx bun.Tx, policy chat.Policy, most int, rows []deviceRow, out []chat.SignedIn, at time.Time) error {
	users := make([]chat.UserID, len(rows))
	for i := range rows {
		users[i] = rows[i].UserID
	}
	all, err := openDevices(ctx, tx, users...)
	if err != nil {
		return err
	}
	open := make(map[chat.UserID][]deviceRow, len(rows))
	for _, d := range all {
		open[d.UserID] = append(open[d.UserID], d)
	}
	var gone []deviceRow
	for i := range rows {
		gone = append(gone, displaced(policy, most, &rows[i], open[rows[i].UserID])...)
	}
	ended, err := endRows(ctx, tx, gone, chat.SignedInElsewhere, at)
	byUser := make(map[chat.UserID][]chat.Device)
	for _, d := range ended {
		byUser[d.User] = append(byUser[d.User], d)
	}
	for i := range out {
		out[i].Ended = byUser[out[i].Device.User]
	}
	return err
}

// Rotate exchanges a refresh token. The one presented works once, however many
// present it at the same time; one that was used before ends the device's
// session, of which Ended then tells beside the error. TokenInvalid,
// TokenExpired, SessionEnded with its reason, AccountDisabled or Unauthorized.
func (s *Accounts) Rotate(ctx context.Context, r chat.Rotation) (chat.Rotated, error) {
	var out chat.Rotated
	var refusal error
	err := s.db.change(ctx, "store.rotate", func(ctx context.Context, tx bun.Tx) error {
		out, refusal = chat.Rotated{}, nil
		user, device, err := s.lockDevice(ctx, tx, r.User, r.Device)
		if err != nil {
			return err
		}
		at := now()
		switch verdict := judge(&r, &user, &device, at); verdict {
		case rotate:
			out.User, out.Device = user.account().User, device.device()
			_, err = tx.NewUpdate().Table("devices").
				Set("refresh_hash = ?", r.Next.Hash).Set("refresh_prev = ?", r.Hash).Set("refresh_expires = ?", micro(r.Next.Expires)).
				Where("user_id = ?", r.User).Where("id = ?", r.Device).Exec(ctx)
			return err
		case reused:
			refusal = chat.E("store.rotate", chat.TokenInvalid, nil)
			out.Ended, err = endRows(ctx, tx, []deviceRow{device}, chat.SignedOut, at)
			return err
		default:
			refusal = &chat.Error{Kind: verdict, Op: "store.rotate", Reason: device.EndReason}
			return nil
		}
	})
	if err == nil {
		err = refusal
	}
	return out, err
}

// lockDevice returns a user and one of their devices, both locked; TokenInvalid
// when there is no such device.
func (s *Accounts) lockDevice(ctx context.Context, tx bun.Tx, id chat.UserID, device chat.DeviceID) (userRow, deviceRow, error) {
	var row deviceRow
	user, err := s.lockUser(ctx, tx, id)
	if err == nil {
		err = tx.NewSelect().Model(&row).Where("user_id = ?", id).Where("id = ?", device).Scan(ctx)
	}
	if chat.KindOf(fail("", err)) == chat.NotFound {
		err = chat.E("store.rotate", chat.TokenInvalid, nil)
	}
	return user, row, err
}

// What to do with a refresh token, beside the kinds of refusing it.
const (
	rotate chat.Kind = "rotate"
	reused chat.Kind = "reused"
)

// judge decides about a refresh token that was presented for a device.
func judge(r *chat.Rotation, user *userRow, d *deviceRow, at time.Time) chat.Kind {
	current := len(d.RefreshHash) > 0 && slices.Equal(r.Hash, d.RefreshHash)
	known := len(d.RefreshPrev) > 0 && slices.Equal(r.Hash, d.RefreshPrev) || r.Issued && r.Login == d.Login
	switch {
	case !current && known && d.EndedAt.IsZero():
		return reused
	case !current:
		return chat.TokenInvalid
	case !user.DeletedAt.IsZero():
		return chat.Unauthorized
	case !user.DisabledAt.IsZero():
		return chat.AccountDisabled
	case !d.EndedAt.IsZero():
		return chat.SessionEnded
	case !d.RefreshExpires.After(at):
		return chat.TokenExpired
	}
	return rotate
}

// SetPassword replaces a password's hash and signs the user out on every device
// but one. Conflict when the hash is not the one expected any more; NotFound.
func (s *Accounts) SetPassword(ctx context.Context, user chat.UserID, expected, hash string, keep chat.DeviceID) ([]chat.Device, error) {
	return s.changeUser(ctx, "store.set_password", user, chat.PasswordChanged, func(ctx context.Context, tx bun.Tx, u *userRow) (*chat.DeviceID, error) {
		if u.PasswordHash != expected {
			return nil, chat.E("store.set_password", chat.Conflict, nil)
		}
		_, err := tx.NewUpdate().Table("users").Set("password_hash = ?", hash).Where("id = ?", user).Exec(ctx)
		return &keep, err
	})
}

// SetDisabled disables an account and signs it out everywhere, or enables it
// again; NotFound. Doing so twice is no error.
func (s *Accounts) SetDisabled(ctx context.Context, user chat.UserID, disabled bool) ([]chat.Device, error) {
	return s.changeUser(ctx, "store.set_disabled", user, chat.Disabled, func(ctx context.Context, tx bun.Tx, u *userRow) (*chat.DeviceID, error) {
		q := tx.NewUpdate().Table("users").Where("id = ?", user)
		if !disabled {
			_, err := q.Set("disabled_at = NULL").Exec(ctx)
			return nil, err
		}
		var nobody chat.DeviceID
		if !u.DisabledAt.IsZero() {
			return &nobody, nil
		}
		_, err := q.Set("disabled_at = ?", now()).Exec(ctx)
		return &nobody, err
	})
}

// changeUser changes a locked user who is not deleted. If do returns a device,
// even an empty one, every other device is signed out.
func (s *Accounts) changeUser(ctx context.Context, op string, user chat.UserID, why chat.Reason,
	do func(ctx context.Context, tx bun.Tx, u *userRow) (keep *chat.DeviceID, err error),
) (ended []chat.Device, err error) {
	err = s.db.change(ctx, op, func(ctx context.Context, tx bun.Tx) error {
		ended = nil
		row, err := s.lockUser(ctx, tx, user)
		if err != nil {
			return err
		}
		if !row.DeletedAt.IsZero() {
			return chat.E(op, chat.NotFound, nil)
		}
		keep, err := do(ctx, tx, &row)
		if err != nil || keep == nil {
			return err
		}
		open, err := openDevices(ctx, tx, user)
		if err != nil {
			return err
		}
		ended, err = endRows(ctx, tx, keepIf(open, func(d *deviceRow) bool { return d.ID != *keep }), why, now())
		return err
	})
	return ended, err
}
