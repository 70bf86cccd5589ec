package main_test

import "github.com/tieline/tieline/pkg/testserver"

// redisForm is what the story's Redis is made of.
type redisForm string

const (
	alone           redisForm = ""         // one server
	behindSentinels redisForm = "sentinel" // a master, its replica, and three sentinels
	asCluster       redisForm = "cluster"  // three masters
)

func (f redisForm) String() string {
	if f == alone {
		return "single"
	}
	return string(f)
}

// redisForms are all that there are.
var redisForms = []redisForm{alone, behindSentinels, asCluster}

// redisIs says what the story's Redis is made of; one server if nothing is said.
func redisIs(f redisForm) storyOption { return func(o *storyOptions) { o.redis = f } }

// throughProxies has each node reach its one Redis over a way of its own, on
// which things can go wrong.
func throughProxies() storyOption { return func(o *storyOptions) { o.proxies = true } }

// storyRedis is the story's Redis. Before it is broken, what only works with it
// is prepared; after it has lost something, a message may be shown again.
type storyRedis struct {
	// The only server; where there are several, the first master.
	*testserver.RedisServer
	Sentinels *testserver.SentinelServers     // nil: none
	Cluster   *testserver.RedisClusterServers // nil: it is none

	s *story
}

// startRedis starts the story's Redis, and the ways of its nodes to it.
func startRedis(s *story) *storyRedis {
	s.t.Helper()
	r := &storyRedis{s: s}
	switch s.o.redis {
	case behindSentinels:
		r.Sentinels = testserver.Sentinel(s.t)
		r.RedisServer, _ = r.Sentinels.Master()
	case asCluster:
		r.Cluster = testserver.RedisCluster(s.t)
		r.RedisServer = r.Cluster.Masters()[0]
	default:
		r.RedisServer = testserver.Redis(s.t)
	}
	for _, n := range s.nodes {
		if s.o.proxies {
			n.way = testserver.Proxy(s.t, r.Addr())
			n.env = append(n.env, "TIELINE_REDIS_URL="+n.way.URL())
		}
	}
	return r
}

// URL is how nodes reach it.
func (r *storyRedis) URL() string {
	switch {
	case r.Sentinels != nil:
		return r.Sentinels.URL()
	case r.Cluster != nil:
		return r.Cluster.URL()
	}
	return r.RedisServer.URL()
}

// masters are the servers that hold the data, as it was at first.
func (r *storyRedis) masters() []*testserver.RedisServer {
	if r.Cluster != nil {
		return r.Cluster.Masters()
	}
	return []*testserver.RedisServer{r.RedisServer}
}

// all are the servers that have data, replicas too.
func (r *storyRedis) all() []*testserver.RedisServer {
	if r.Sentinels == nil {
		return r.masters()
	}
	master, replica := r.Sentinels.Master()
	return []*testserver.RedisServer{master, replica}
}

// PauseAll freezes all servers, and ResumeAll ends that.
func (r *storyRedis) PauseAll()  { each(r.all(), (*testserver.RedisServer).Pause) }
func (r *storyRedis) ResumeAll() { each(r.all(), (*testserver.RedisServer).Resume) }

func each[T any](all []T, do func(T)) {
	for _, one := range all {
		do(one)
	}
}

// Flush removes everything while it runs.
func (r *storyRedis) Flush() {
	r.s.t.Helper()
	r.loses()
	for _, m := range r.masters() {
		m.Flush()
	}
}

// Kill ends it with SIGKILL; up to a second of writes is lost.
func (r *storyRedis) Kill() {
	r.s.t.Helper()
	r.loses()
	r.RedisServer.Kill()
}

// Pause freezes it.
func (r *storyRedis) Pause() {
	r.s.t.Helper()
	r.s.prepareProbes()
	r.RedisServer.Pause()
}

// loses is called before some of its data may go.
func (r *storyRedis) loses() {
	r.s.t.Helper()
	r.s.prepareProbes()
	r.s.lossy.Store(true)
}
