package store

import (
	"context"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/uptrace/bun"
)

// Posts keeps what is written on walls and on the board.
type Posts struct{ db *DB }

// NewPosts returns the repository of posts.
func NewPosts(db *DB) *Posts { return &Posts{db} }

type postRow struct {
	bun.BaseModel `bun:"table:posts,alias:p"`

	ID     string      `bun:"id,pk"`
	WallID chat.UserID `bun:"wall_id"`
	FromID chat.UserID `bun:"from_id"`
	Own    bool        `bun:"own"` // on the writer's own wall
	Body   string      `bun:"body"`
	At     time.Time   `bun:"at"`
}

// Add keeps a post, and returns it complete. NotFound for the wall of somebody
// who is not there; Blocked, or Forbidden where the wall's owner hides it from the
// writer.
func (s *Posts) Add(ctx context.Context, p chat.Post) (chat.Post, []chat.Event, error) {
	var events []chat.Event
	err := s.db.change(ctx, "store.post", func(ctx context.Context, tx bun.Tx) error {
		events = nil
		if err := maySee(ctx, tx, p.From.ID, p.Wall); err != nil {
			return err
		}
		people, err := cards(ctx, tx, p.From.ID)
		if err != nil {
			return err
		}
		p.From, p.At = people[p.From.ID], now()
		row := postRow{ID: p.ID, WallID: p.Wall, FromID: p.From.ID, Own: p.Wall == p.From.ID, Body: p.Text, At: p.At}
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil || p.Wall == "" || row.Own {
			return err
		}
		post := p
		events = []chat.Event{chat.NewEvent(p.Wall, chat.WallPosted, chat.EventData{Post: &post})}
		return putEvents(ctx, tx, events)
	})
	return p, events, err
}

// maySee says whether somebody may look at, and write on, another's wall.
func maySee(ctx context.Context, q bun.IDB, u, wall chat.UserID) error {
	const op = "store.wall"
	if wall == "" || wall == u {
		return nil
	}
	there, err := q.NewSelect().Table("users").Where("id = ?", wall).Where("deleted_at IS NULL").Exists(ctx)
	switch {
	case err != nil:
		return err
	case !there:
		return chat.E(op, chat.NotFound, nil)
	}
	blocked, err := q.NewSelect().Table("blocks").Where("user_id = ?", wall).Where("blocked_id = ?", u).Exists(ctx)
	switch {
	case err != nil:
		return err
	case blocked:
		return chat.E(op, chat.Blocked, nil)
	}
	hidden, err := q.NewSelect().Table("friends").Where("user_id = ?", wall).Where("friend_id = ?", u).Where("hide_mine = ?", true).Exists(ctx)
	switch {
	case err != nil:
		return err
	case hidden:
		return chat.E(op, chat.Forbidden, nil)
	}
	return nil
}

// List returns a page of a wall ("": of the board), the newest first, with ids
// less than before ("": any). NotFound, Blocked, Forbidden.
func (s *Posts) List(ctx context.Context, reader, wall chat.UserID, before string, limit int) ([]chat.Post, error) {
	return s.posts(ctx, before, limit, func(ctx context.Context, q bun.IDB, sel *bun.SelectQuery) (*bun.SelectQuery, error) {
		return sel.Where("p.wall_id = ?", wall), maySee(ctx, q, reader, wall)
	})
}

// Feed returns a page of what a person's friends wrote on their own walls, the
// newest first: of those who do not hide theirs from the person, and whom the
// person does not hide from themselves.
func (s *Posts) Feed(ctx context.Context, reader chat.UserID, before string, limit int) ([]chat.Post, error) {
	return s.posts(ctx, before, limit, func(_ context.Context, q bun.IDB, sel *bun.SelectQuery) (*bun.SelectQuery, error) {
		theirs := q.NewSelect().TableExpr("friends AS t").ColumnExpr("1").
			Where("t.user_id = p.wall_id").Where("t.friend_id = ?", reader).Where("t.hide_mine = ?", true)
		return sel.Join("JOIN friends AS f ON f.friend_id = p.wall_id").Where("f.user_id = ?", reader).Where("f.hide_theirs = ?", false).
			Where("p.own = ?", true).Where("NOT EXISTS (?)", theirs), nil
	})
}

func (s *Posts) posts(ctx context.Context, before string, limit int, which func(context.Context, bun.IDB, *bun.SelectQuery) (*bun.SelectQuery, error)) ([]chat.Post, error) {
	var out []chat.Post
	err := s.db.query(ctx, "store.posts", func(ctx context.Context, q bun.IDB) error {
		var rows []postRow
		sel, err := which(ctx, q, q.NewSelect().Model(&rows).Order("p.id DESC").Limit(int64(limit)))
		if err != nil {
			return err
		}
		if before != "" {
			sel.Where("p.id < ?", before)
		}
		if err := sel.Scan(ctx); err != nil {
			return err
		}
		ids := make([]chat.UserID, len(rows))
		for i := range rows {
			ids[i] = rows[i].FromID
		}
		people, err := cards(ctx, q, ids...)
		for _, r := range rows {
			from := people[r.FromID]
			from.ID = r.FromID
			out = append(out, chat.Post{ID: r.ID, Wall: r.WallID, From: from, Text: r.Body, At: r.At.UTC()})
		}
		return err
	})
	return out, err
}

// Remove deletes a post of a wall, or of the board: its writer may, the wall's
// owner, and administrators. NotFound, Forbidden.
func (s *Posts) Remove(ctx context.Context, by chat.UserID, id string, onBoard bool) error {
	const op = "store.remove_post"
	return s.db.change(ctx, op, func(ctx context.Context, tx bun.Tx) error {
		var row postRow
		if err := tx.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx); err != nil {
			return err
		}
		if onBoard != (row.WallID == "") {
			return chat.E(op, chat.NotFound, nil)
		}
		if row.FromID != by && row.WallID != by {
			var admin bool
			if err := tx.NewSelect().Table("users").Column("admin").Where("id = ?", by).Scan(ctx, &admin); err != nil {
				return err
			}
			if !admin {
				return chat.E(op, chat.Forbidden, nil)
			}
		}
		_, err := tx.NewDelete().Model(&row).WherePK().Exec(ctx)
		return err
	})
}
