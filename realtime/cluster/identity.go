package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/tieline/tieline/pkg/chat"
)

// A generation is verified against particular servers, and what is written
// belongs to a generation. So the connections that are written over go only to
// the servers that were verified last: a server that has taken another's place,
// or was started anew, is not spoken to before the keeper has looked at it. It
// may lack what its predecessor had, and would number the same positions again.

// errUnverified refuses a connection to a server that was not verified.
var errUnverified = errors.New("cluster: this Redis server was not verified yet")

// server is what one Redis server says of itself.
type server struct {
	id      string // of this run of it; "" where it has none: the one in the box
	replica bool
}

// whoIs are the questions to a server, to be put into a pipeline.
type whoIs struct{ server, replication *redis.StringCmd }

func askWhoIs(ctx context.Context, p redis.Pipeliner) whoIs {
	return whoIs{p.Info(ctx, "server"), p.Info(ctx, "replication")}
}

// answer reads the answers. The Redis in the box does not know the questions.
func (w whoIs) answer() (s server, err error) {
	for _, cmd := range []*redis.StringCmd{w.server, w.replication} {
		if err := cmd.Err(); err != nil && !strings.Contains(err.Error(), "not supported") {
			return s, err
		}
		for line := range strings.SplitSeq(cmd.Val(), "\r\n") {
			name, value, _ := strings.Cut(line, ":")
			switch name {
			case "run_id":
				s.id = value
			case "role":
				s.replica = value == "slave"
			}
		}
	}
	return s, nil
}

// only returns the run id of the only master there is.
func (w whoIs) only() ([]string, error) {
	s, err := w.answer()
	if err == nil && s.replica {
		err = errors.New("cluster: this Redis server is a replica")
	}
	return []string{s.id}, err
}

// admit lets a new connection be used for writing if it goes to a server that
// was verified.
func (r *Redis) admit(ctx context.Context, cn *redis.Conn) error {
	p := cn.Pipeline()
	w := askWhoIs(ctx, p)
	p.Exec(ctx) // the error is among the answers
	s, err := w.answer()
	if err != nil || s.id == "" {
		return err
	}
	if trusted := r.trusted.Load(); s.replica || trusted == nil || !slices.Contains(*trusted, s.id) {
		return errUnverified
	}
	return nil
}

// trust has exactly these servers written to from here on.
func (r *Redis) trust(ctx context.Context, ids []string) {
	had := r.trusted.Swap(&ids)
	if had != nil && !slices.Equal(*had, ids) {
		// One of them may have been master before, and admitted then.
		r.writing.hangUp()
		r.relearn(ctx)
	}
}

// whoAreMasters asks all masters of a Redis Cluster who they are.
func whoAreMasters(ctx context.Context, cc *redis.ClusterClient) (ids []string, err error) {
	var mu sync.Mutex
	err = cc.ForEachMaster(ctx, func(ctx context.Context, m *redis.Client) error {
		p := m.Pipeline()
		w := askWhoIs(ctx, p)
		p.Exec(ctx) // the error is among the answers
		s, err := w.answer()
		if err == nil && s.replica {
			err = fmt.Errorf("%s is no longer a master", m.Options().Addr)
		}
		mu.Lock()
		defer mu.Unlock()
		ids = append(ids, s.id)
		return err
	})
	slices.Sort(ids)
	return ids, err
}

// identityOf is what tells this Redis from another or from itself started anew:
// the run ids of all masters, or where there are none (in the box) a random value
// that is lost when its data is.
func (c *Cluster) identityOf(ctx context.Context, ids []string) (string, error) {
	switch {
	case len(ids) > 1:
		sum := sha256.Sum256([]byte(strings.Join(ids, ",")))
		return hex.EncodeToString(sum[:]), nil
	case len(ids) == 1 && ids[0] != "":
		return ids[0], nil
	}
	if err := c.r.plain.SetNX(ctx, keyIdentity, chat.NewID(), 0).Err(); err != nil {
		return "", err
	}
	return c.r.plain.Get(ctx, keyIdentity).Result()
}
