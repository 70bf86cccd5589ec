package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// What the client library has to say of single connections, on standard error
// and in no format of ours, the keeper says better: whether Redis is there.
func init() { redis.SetLogger(nothing{}) }

type nothing struct{}

func (nothing) Printf(context.Context, string, ...any) {}

// Redis is the connection to the meeting place.
type Redis struct {
	// c sends a command again if the reply is lost: for what may run twice.
	c redis.UniversalClient
	// once never does by itself: for scripts that append, where a lost reply must
	// be known as such.
	once redis.UniversalClient
	// plain speaks to any server, also to one that was not verified yet: for
	// looking at it, and for listening.
	plain redis.UniversalClient
	// sharded says that publications go to the shard of their channel, not to
	// every server of a Redis Cluster.
	sharded bool

	sentinels *sentinels // nil: none

	trusted          atomic.Pointer[[]string] // run ids of the servers that c and once speak to; sorted
	writing, looking *lines
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
	o.PipelinePoolSize = -1
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	r := &Redis{sharded: o.IsClusterMode, writing: newLines(), looking: newLines()}
	look, write := r.looking.dialer(o.TLSConfig), r.writing.dialer(o.TLSConfig)
	if o.MasterName != "" {
		name, addrs := masterOf(o)
		r.sentinels = newSentinels(name, addrs, look)
		look, write = r.sentinels.dialer(look), r.sentinels.dialer(write)
	}
	o.Dialer = afresh(look)
	o.MaxRetries, o.PoolSize = 1, 4
	r.plain = redis.NewUniversalClient(o)
	o.Dialer, o.OnConnect = afresh(write), r.admit
	o.PoolSize = 32
	r.c = redis.NewUniversalClient(o)
	o.MaxRetries, o.MaxRedirects = -1, -1
	o.PoolSize = 8
	r.once = redis.NewUniversalClient(o)
	return r, nil
}

// Close ends the connections.
func (r *Redis) Close() error {
	err := errors.Join(r.plain.Close(), r.once.Close(), r.c.Close())
	if r.sentinels != nil {
		err = errors.Join(err, r.sentinels.Close())
	}
	return err
}

// hangUp closes all connections, after Redis has not answered on some.
func (r *Redis) hangUp() {
	r.writing.hangUp()
	r.looking.hangUp()
}

// relearn has the clients of a Redis Cluster ask who serves what. By themselves
// they do so once a minute, and when a server sends them to another; one that is
// dead does not.
func (r *Redis) relearn(ctx context.Context) {
	for _, c := range []redis.UniversalClient{r.plain, r.c, r.once} {
		if cc, ok := c.(*redis.ClusterClient); ok {
			cc.ReloadState(ctx)
		}
	}
}

// Ping reports whether Redis answers.
func (r *Redis) Ping(ctx context.Context) error { return r.plain.Ping(ctx).Err() }

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
