package store

import (
	"context"
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/hook"
	"github.com/uptrace/bun"
)

// Accounts keeps people, the devices they sign in on, and one-time codes.
//
// Every transaction that changes what devices a user is signed in on locks the
// user's row first, so that two of them on one user come one after the other, in
// the order that decides who displaces whom.
type Accounts struct{ db *DB }

// NewAccounts returns the repository of people and their devices.
func NewAccounts(db *DB) *Accounts { return &Accounts{db} }

type userRow struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	ID           chat.UserID `bun:"id,pk"`
	Username     string      `bun:"username"`
	UsernameKey  string      `bun:"username_key"`
	Nickname     string      `bun:"nickname"`
	NicknameKey  string      `bun:"nickname_key"`
	Sex          string      `bun:"sex"`
	Bio          string      `bun:"bio"`
	AvatarURL    string      `bun:"avatar_url"`
	Email        string      `bun:"email"`
	EmailKey     string      `bun:"email_key,nullzero"`
	Phone        string      `bun:"phone,nullzero"`
	Theme        string      `bun:"theme"`
	Locale       string      `bun:"locale"`
	VIPUntil     time.Time   `bun:"vip_until,nullzero"`
	Admin        bool        `bun:"admin"`
	PasswordHash string      `bun:"password_hash"`
	LoginSeq     int64       `bun:"login_seq"`
	CreatedAt    time.Time   `bun:"created_at"`
	DisabledAt   time.Time   `bun:"disabled_at,nullzero"`
	DeletedAt    time.Time   `bun:"deleted_at,nullzero"`
}

func newUserRow(a *chat.Account) userRow {
	return userRow{
		ID: a.ID, Username: a.Username, UsernameKey: a.UsernameKey, Nickname: a.Nickname, NicknameKey: a.NicknameKey,
		Sex: a.Sex, Bio: a.Bio, AvatarURL: a.AvatarURL, Email: a.Email, EmailKey: a.EmailKey, Phone: a.Phone,
		Theme: a.Theme, Locale: a.Locale, VIPUntil: micro(a.VIPUntil), Admin: a.Admin, PasswordHash: a.PasswordHash,
		CreatedAt: micro(a.CreatedAt), DisabledAt: micro(a.DisabledAt), DeletedAt: micro(a.DeletedAt),
	}
}

func (r *userRow) account() chat.Account {
	return chat.Account{
		User: chat.User{
			ID: r.ID, Username: r.Username, Nickname: r.Nickname, Sex: r.Sex, Bio: r.Bio, AvatarURL: r.AvatarURL,
			Email: r.Email, Phone: r.Phone, Theme: r.Theme, Locale: r.Locale, VIPUntil: r.VIPUntil.UTC(), Admin: r.Admin,
			CreatedAt: r.CreatedAt.UTC(), DisabledAt: r.DisabledAt.UTC(), DeletedAt: r.DeletedAt.UTC(),
		},
		UsernameKey: r.UsernameKey, NicknameKey: r.NicknameKey, EmailKey: r.EmailKey, PasswordHash: r.PasswordHash,
	}
}

// micro is a time as both dialects keep it; the zero time stays zero.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Create signs somebody up: the account, its place in the lobby, its first
// device, and the invitation used up, all or none. UsernameTaken, EmailTaken,
// PhoneTaken or CodeInvalid.
func (s *Accounts) Create(ctx context.Context, n chat.SignUp) (chat.SignedIn, error) {
	at := now()
	user := newUserRow(&n.Account)
	user.LoginSeq = 1
	devices := []deviceRow{newDeviceRow(n.Device, n.Refresh, at)}
	devices[0].UserID, devices[0].Login = n.ID, 1
	err := s.db.change(ctx, "store.create", func(ctx context.Context, tx bun.Tx) error {
		if n.Invite != nil {
			if _, err := s.useCode(ctx, tx, chat.InviteCode, n.Invite, n.ID, at); err != nil {
				return err
			}
		}
		if err := insertUsers(ctx, tx, []userRow{user}, at); err != nil {
			return err
		}
		if err := insertDevices(ctx, tx, devices); err != nil {
			return err
		}
		return s.db.putHook(ctx, tx, func() chat.Hook { return hook.Registered(&n.User) })
	})
	return chat.SignedIn{Device: devices[0].device()}, taken(err)
}

// insertUsers adds users as members of the lobby who have read what was said
// there before they came.
func insertUsers(ctx context.Context, tx bun.Tx, users []userRow, at time.Time) error {
	if _, err := tx.NewInsert().Model(&users).Exec(ctx); err != nil {
		return err
	}
	said, err := lobbySeq(ctx, tx)
	if err != nil {
		return err
	}
	members := make([]memberRow, len(users))
	for i := range users {
		members[i] = memberRow{UserID: users[i].ID, ConversationID: chat.Lobby, ReadSeq: said, JoinedAt: at, Role: chat.RoleMember}
	}
	_, err = tx.NewInsert().Model(&members).Exec(ctx)
	return err
}

// taken gives a duplicate the kind that clients know it by.
func taken(err error) error {
	switch duplicate(err) {
	case "username_key":
		return chat.E("store.create", chat.UsernameTaken, err)
	case "email_key":
		return chat.E("store.create", chat.EmailTaken, err)
	case "phone":
		return chat.E("store.create", chat.PhoneTaken, err)
	}
	return err
}

// FindLogin returns the accounts that a login name may mean, those that are
// there and not deleted: by user name first, then by e-mail address or phone
// number. Somebody's user name may be somebody else's phone number.
func (s *Accounts) FindLogin(ctx context.Context, k chat.LoginKeys) ([]chat.Account, error) {
	var found []chat.Account
	err := s.db.query(ctx, "store.find_login", func(ctx context.Context, q bun.IDB) error {
		for _, by := range []struct{ column, key string }{{"username_key", k.Username}, {"email_key", k.Email}, {"phone", k.Phone}} {
			if by.key == "" {
				continue
			}
			var rows []userRow
			err := q.NewSelect().Model(&rows).Where("? = ?", bun.Ident(by.column), by.key).Where("deleted_at IS NULL").Scan(ctx)
			if err != nil {
				return err
			}
			for i := range rows {
				found = append(found, rows[i].account())
			}
		}
		return nil
	})
	return found, err
}

// User returns a user who is there and not deleted; NotFound.
func (s *Accounts) User(ctx context.Context, id chat.UserID) (chat.User, error) {
	a, err := s.Account(ctx, id)
	return a.User, err
}

// Account is User with what lets the user in.
func (s *Accounts) Account(ctx context.Context, id chat.UserID) (chat.Account, error) {
	var row userRow
	err := s.db.query(ctx, "store.user", func(ctx context.Context, q bun.IDB) error {
		return q.NewSelect().Model(&row).Where("id = ?", id).Where("deleted_at IS NULL").Scan(ctx)
	})
	if err != nil {
		return chat.Account{}, err
	}
	return row.account(), nil
}

// Users returns those of the users that are there, deleted ones included, in no
// order.
func (s *Accounts) Users(ctx context.Context, ids []chat.UserID) ([]chat.User, error) {
	var out []chat.User
	for some := range slices.Chunk(ids, 1000) {
		var rows []userRow
		err := s.db.query(ctx, "store.users", func(ctx context.Context, q bun.IDB) error {
			return q.NewSelect().Model(&rows).Where("id IN (?)", bun.List(some)).Scan(ctx)
		})
		if err != nil {
			return nil, err
		}
		for i := range rows {
			out = append(out, rows[i].account().User)
		}
	}
	return out, nil
}

// UsersNamed returns the users with these user names, in their normal form,
// that are there and not deleted, in no order.
func (s *Accounts) UsersNamed(ctx context.Context, keys []string) ([]chat.Account, error) {
	var out []chat.Account
	for some := range slices.Chunk(keys, 1000) {
		var rows []userRow
		err := s.db.query(ctx, "store.users_named", func(ctx context.Context, q bun.IDB) error {
			return q.NewSelect().Model(&rows).Where("username_key IN (?)", bun.List(some)).Where("deleted_at IS NULL").Scan(ctx)
		})
		if err != nil {
			return nil, err
		}
		for i := range rows {
			out = append(out, rows[i].account())
		}
	}
	return out, nil
}
