package store

import (
	"context"
	"encoding/hex"
	"slices"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

type codeRow struct {
	bun.BaseModel `bun:"table:codes"`

	Hash      []byte        `bun:"hash,pk"`
	Kind      chat.CodeKind `bun:"kind"`
	VIPDays   int           `bun:"vip_days"`
	ExpiresAt time.Time     `bun:"expires_at,nullzero"`
	UsedBy    chat.UserID   `bun:"used_by,nullzero"`
	UsedAt    time.Time     `bun:"used_at,nullzero"`
	CreatedAt time.Time     `bun:"created_at"`
}

func (r *codeRow) code() chat.Code {
	return chat.Code{
		Hash: r.Hash, Kind: r.Kind, VIPDays: r.VIPDays, ExpiresAt: r.ExpiresAt.UTC(),
		UsedBy: r.UsedBy, UsedAt: r.UsedAt.UTC(), CreatedAt: r.CreatedAt.UTC(),
	}
}

// AddCodes keeps new one-time codes.
func (s *Accounts) AddCodes(ctx context.Context, codes []chat.Code) error {
	at := now()
	return s.db.change(ctx, "store.add_codes", func(ctx context.Context, tx bun.Tx) error {
		for some := range slices.Chunk(codes, 500) {
			rows := make([]codeRow, len(some))
			for i, c := range some {
				rows[i] = codeRow{Hash: c.Hash, Kind: c.Kind, VIPDays: c.VIPDays, ExpiresAt: micro(c.ExpiresAt), CreatedAt: at}
			}
			if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// FindCodes returns the codes of a kind, or of each, the newest first, after a
// cursor that an earlier page gave. Invalid for a cursor that none gave.
func (s *Accounts) FindCodes(ctx context.Context, kind chat.CodeKind, cursor string, limit int) ([]chat.Code, string, error) {
	at, id, ok := readCursor(cursor)
	before, err := hex.DecodeString(id)
	if cursor != "" && (!ok || err != nil) {
		return nil, "", chat.InvalidField("cursor", "format", "")
	}
	var rows []codeRow
	err = s.db.query(ctx, "store.find_codes", func(ctx context.Context, q bun.IDB) error {
		sel := q.NewSelect().Model(&rows).Order("created_at DESC", "hash DESC").Limit(int64(limit) + 1)
		if kind != "" {
			sel.Where("kind = ?", kind)
		}
		if cursor != "" {
			sel.Where("created_at <= ?", at).Where("(created_at < ? OR hash < ?)", at, before)
		}
		return sel.Scan(ctx)
	})
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(rows) > limit {
		rows = rows[:limit]
		next = writeCursor(rows[limit-1].CreatedAt, hex.EncodeToString(rows[limit-1].Hash))
	}
	codes := make([]chat.Code, len(rows))
	for i := range rows {
		codes[i] = rows[i].code()
	}
	return codes, next, nil
}

// useCode uses a code up, once: the condition and the change are one statement.
// CodeInvalid when there is no such code, or it was used, or has expired.
func (s *Accounts) useCode(ctx context.Context, tx bun.Tx, kind chat.CodeKind, hash []byte, by chat.UserID, at time.Time) (codeRow, error) {
	var row codeRow
	done, err := tx.NewUpdate().Table("codes").Set("used_by = ?", by).Set("used_at = ?", at).
		Where("hash = ?", hash).Where("kind = ?", kind).Where("used_by IS NULL").
		Where("(expires_at IS NULL OR expires_at > ?)", at).Exec(ctx)
	if err != nil {
		return row, err
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return row, chat.E("store.use_code", chat.CodeInvalid, err)
	}
	err = tx.NewSelect().Model(&row).Where("hash = ?", hash).Scan(ctx)
	return row, err
}

// latestVIP keeps years to four digits, whatever is added up.
var latestVIP = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// RedeemVIP uses a VIP code up and prolongs the user's time by its days, from
// the later of now and the present end. CodeInvalid; NotFound.
func (s *Accounts) RedeemVIP(ctx context.Context, user chat.UserID, hash []byte) (chat.User, error) {
	var out chat.User
	err := s.db.change(ctx, "store.redeem_vip", func(ctx context.Context, tx bun.Tx) error {
		row, err := s.lockUser(ctx, tx, user)
		if err != nil {
			return err
		}
		if !row.DeletedAt.IsZero() {
			return chat.E("store.redeem_vip", chat.NotFound, nil)
		}
		at := now()
		code, err := s.useCode(ctx, tx, chat.VIPCode, hash, user, at)
		if err != nil {
			return err
		}
		from := row.VIPUntil.UTC()
		if from.Before(at) {
			from = at
		}
		until := from.AddDate(0, 0, code.VIPDays)
		if until.After(latestVIP) {
			until = latestVIP
		}
		row.VIPUntil = until
		out = row.account().User
		_, err = tx.NewUpdate().Table("users").Set("vip_until = ?", until).Where("id = ?", user).Exec(ctx)
		return err
	})
	return out, err
}
