package cluster

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Redis is the connection to the meeting place.
type Redis struct {
	c redis.UniversalClient
	// once never sends a command twice by itself: for scripts that append, where
	// a lost reply must be known as such.
	once redis.UniversalClient
}

// Deadlines of Redis calls. A call that takes longer counts as Redis being away.
const (
	dialTimeout = 500 * time.Millisecond
	callTimeout = time.Second
)

// Open prepares a client for redis://, rediss://, redis-sentinel:// and
// redis-cluster:// (see TIELINE_REDIS_URL). It does not connect yet.
func Open(rawURL string) (*Redis, error) {
	o, err := options(rawURL)
	if err != nil {
		return nil, err
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, callTimeout, callTimeout
	o.PoolTimeout = callTimeout
	o.ContextTimeoutEnabled = true
	o.DisableIdentity = true
	o.DialerRetries = 1
	// More than the sockets that come, go or catch up at the same time: what a
	// node does for all of them never waits for a connection behind them.
	o.PoolSize, o.MinIdleConns = 128, 2
	o.PipelinePoolSize = -1
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	o.MaxRetries = 1
	c := redis.NewUniversalClient(o)
	o.MaxRetries = -1
	o.PoolSize = 8
	return &Redis{c: c, once: redis.NewUniversalClient(o)}, nil
}

// Close ends the connections.
func (r *Redis) Close() error {
	r.once.Close()
	return r.c.Close()
}

// Ping reports whether Redis answers.
func (r *Redis) Ping(ctx context.Context) error { return r.c.Ping(ctx).Err() }

func options(rawURL string) (*redis.UniversalOptions, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("cluster: not a Redis URL: %w", err)
	}
	scheme := u.Scheme
	hosts := strings.Split(u.Host, ",")
	switch scheme {
	case "redis", "rediss":
		one, err := redis.ParseURL(rawURL)
		if err != nil {
			return nil, fmt.Errorf("cluster: %w", err)
		}
		return &redis.UniversalOptions{Addrs: []string{one.Addr}, Username: one.Username, Password: one.Password, DB: one.DB, TLSConfig: one.TLSConfig}, nil
	case "redis-sentinel", "redis-cluster":
		first := *u
		first.Scheme, first.Host, first.RawQuery = "redis", hosts[0], ""
		one, err := redis.ParseURL(first.String())
		if err != nil {
			return nil, fmt.Errorf("cluster: %w", err)
		}
		o := &redis.UniversalOptions{Addrs: hosts, Username: one.Username, Password: one.Password, DB: one.DB}
		if scheme == "redis-cluster" {
			o.IsClusterMode, o.DB = true, 0
			return o, nil
		}
		if o.MasterName = u.Query().Get("master"); o.MasterName == "" {
			return nil, fmt.Errorf("cluster: a redis-sentinel URL needs ?master=NAME")
		}
		return o, nil
	}
	return nil, fmt.Errorf("cluster: %q is not a Redis URL scheme", scheme)
}
