package main_test

import (
	"context"
	"database/sql"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"
	"github.com/tieline/tieline/pkg/chat"
)

// What the servers behind the nodes have, for tests that compare it with what
// the nodes say.

// urls are those of the nodes.
func (s *story) urls() (all []string) {
	for _, n := range s.nodes {
		all = append(all, n.URL())
	}
	return all
}

// sqlCall runs what asks the story's database.
func (s *story) sqlCall(ask func(ctx context.Context, db *sql.DB) error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	i := slices.IndexFunc(s.env, func(v string) bool { return strings.HasPrefix(v, "TIELINE_DATABASE_URL=") })
	u, err := url.Parse(strings.TrimPrefix(s.env[i], "TIELINE_DATABASE_URL="))
	if err != nil {
		s.t.Fatal(err)
	}
	password, _ := u.User.Password()
	db, err := sql.Open("mysql", u.User.Username()+":"+password+"@tcp("+u.Host+")"+u.Path)
	if err == nil {
		defer db.Close()
		err = ask(ctx, db)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// signedIn is the devices of a user that are signed in, with the numbers of their
// sign-ins.
func (s *story) signedIn(u chat.UserID) map[chat.DeviceID]int64 {
	s.t.Helper()
	in := map[chat.DeviceID]int64{}
	s.sqlCall(func(ctx context.Context, db *sql.DB) error {
		rows, err := db.QueryContext(ctx, "SELECT id, login FROM devices WHERE user_id = ? AND ended_at IS NULL", u)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id chat.DeviceID
			var login int64
			if err := rows.Scan(&id, &login); err != nil {
				return err
			}
			in[id] = login
		}
		return rows.Err()
	})
	return in
}

// redisCall runs what asks the story's Redis.
func (s *story) redisCall(ask func(ctx context.Context, r *redis.Client) error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	r := redis.NewClient(&redis.Options{Addr: s.Redis.Addr()})
	defer r.Close()
	if err := ask(ctx, r); err != nil && err != redis.Nil {
		s.t.Fatal(err)
	}
}

// lease is what Redis has of a node; empty when it is none.
func (s *story) lease(node string) (lease string) {
	s.t.Helper()
	s.redisCall(func(ctx context.Context, r *redis.Client) (err error) {
		lease, err = r.HGet(ctx, "tl:nodes", node).Result()
		return err
	})
	return lease
}

// sessionsOf are the devices of a user that have a socket, as Redis has it.
func (s *story) sessionsOf(u chat.UserID) (devices []string) {
	s.t.Helper()
	s.redisCall(func(ctx context.Context, r *redis.Client) error {
		all, err := r.HGetAll(ctx, "tl:{u:"+string(u)+"}:sessions").Result()
		for device, held := range all {
			if strings.HasSuffix(held, "|0") {
				devices = append(devices, device)
			}
		}
		return err
	})
	return devices
}

// eventually waits for what happens by itself.
func eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	late := time.After(within)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}
