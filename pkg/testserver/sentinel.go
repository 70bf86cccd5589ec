package testserver

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// SentinelServers are a Redis, a replica of it, and three sentinels that put the
// replica in the place of a Redis that they do not hear for a second.
type SentinelServers struct {
	t         testing.TB
	servers   []*RedisServer
	sentinels []*RedisServer
}

// sentinelName is what the sentinels call the Redis that they watch.
const sentinelName = "main"

// asReplica has replicas speak to their master as a user of their own, so that
// CutReplication can lock them out and nobody else, and masters answer them at
// once.
var asReplica = []string{
	"--user", "replica", "on", ">replica", "+psync", "+replconf", "+ping",
	"--masteruser", "replica", "--masterauth", "replica", "--repl-diskless-sync-delay", "0",
}

// Sentinel starts the servers and returns when the sentinels know each other and
// the replica has what the master has.
func Sentinel(t testing.TB) *SentinelServers {
	t.Helper()
	s := &SentinelServers{t: t}
	start := func(to *[]*RedisServer) starter {
		return func(args ...string) (int, error) {
			one := startRedis(t, args...)
			*to = append(*to, one)
			return one.port, nil
		}
	}
	if _, err := formSentinels(start(&s.servers), start(&s.sentinels), func() string { return dirFor(t) }, downAfter); err != nil {
		t.Fatal("testserver: sentinel:", err)
	}
	return s
}

// SentinelURL returns the URL of an emptied Redis behind sentinels that the tests
// of this binary share; they do not run at the same time, and break nothing.
func SentinelURL(t testing.TB) string {
	t.Helper()
	ports, err := sharedSentinels()
	if err == nil {
		err = redisDo(localAddr(ports[0]), "FLUSHALL")
	}
	if err != nil {
		t.Fatal("testserver: sentinel:", err)
	}
	return sentinelURL(ports[1:])
}

// sharedSentinels returns the ports of the master and of the sentinels.
var sharedSentinels = sync.OnceValues(func() (ports []int, err error) {
	dir := func() string {
		d, e := shortDir()
		err = errors.Join(err, e)
		return d
	}
	ports, formErr := formSentinels(keepRedis, keepRedis, dir, startWithin)
	return ports, errors.Join(err, formErr)
})

// starter starts a redis-server with arguments of its own and returns its port.
type starter func(args ...string) (port int, err error)

// formSentinels starts a master, a replica and their sentinels, which wait so
// long before they act, and returns the ports of the master and of the sentinels.
func formSentinels(server, sentinel starter, dir func() string, patience time.Duration) ([]int, error) {
	master, err := server(asReplica...)
	if err != nil {
		return nil, err
	}
	replica, err := server(append(slices.Clone(asReplica), "--replicaof", "127.0.0.1", strconv.Itoa(master))...)
	if err != nil {
		return nil, err
	}
	// First the replica, since a sentinel looks for replicas every ten seconds.
	if err := await(nil, func() error { return isReplica(localAddr(replica), master) }); err != nil {
		return nil, err
	}
	ports := []int{master}
	for range 3 {
		config := filepath.Join(dir(), "sentinel.conf")
		if err := os.WriteFile(config, []byte(sentinelConfig(master, patience)), 0o600); err != nil {
			return nil, err
		}
		port, err := sentinel(config, "--sentinel")
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	for _, port := range ports[1:] {
		// They introduce themselves every two seconds unless told otherwise.
		if _, err := ask(localAddr(port), "SENTINEL", "DEBUG", "publish-period", "100"); err != nil {
			return nil, err
		}
	}
	for _, port := range ports[1:] {
		if err := await(nil, func() error { return knowsAll(localAddr(port)) }); err != nil {
			return nil, err
		}
	}
	return ports, nil
}

// downAfter is how long servers are not heard before others take their place;
// those that tests share are given more time, and a busy machine breaks nothing.
const downAfter = time.Second

func sentinelConfig(master int, patience time.Duration) string {
	return fmt.Sprintf(`sentinel monitor %[1]s 127.0.0.1 %[2]d 2
sentinel down-after-milliseconds %[1]s %[3]d
sentinel failover-timeout %[1]s 10000
`, sentinelName, master, patience.Milliseconds())
}

// isReplica returns nil once a server has all that its master has.
func isReplica(addr string, master int) error {
	role, err := ask(addr, "ROLE")
	if w := words(role); err == nil && (len(w) < 4 || w[0] != "slave" || w[2] != strconv.Itoa(master) || w[3] != "connected") {
		err = fmt.Errorf("its role is %q", w)
	}
	return err
}

// knowsAll returns nil once a sentinel knows the replica and both others.
func knowsAll(sentinel string) error {
	reply, err := ask(sentinel, "SENTINEL", "MASTER", sentinelName)
	if err != nil {
		return err
	}
	w := words(reply)
	for field, want := range map[string]string{"num-slaves": "1", "num-other-sentinels": "2", "flags": "master"} {
		if i := slices.Index(w, field); i < 0 || w[i+1] != want {
			return fmt.Errorf("%s is not %s of %q", field, want, w)
		}
	}
	return nil
}

func sentinelURL(ports []int) string {
	var hosts []string
	for _, p := range ports {
		hosts = append(hosts, localAddr(p))
	}
	return "redis-sentinel://" + strings.Join(hosts, ",") + "/0?master=" + sentinelName
}

// URL returns the Redis behind the sentinels.
func (s *SentinelServers) URL() string {
	var ports []int
	for _, one := range s.sentinels {
		ports = append(ports, one.port)
	}
	return sentinelURL(ports)
}

// Sentinels are the three sentinels.
func (s *SentinelServers) Sentinels() []*RedisServer { return s.sentinels }

// Master returns the server that the first sentinel takes for the master, and
// the other one.
func (s *SentinelServers) Master() (master, other *RedisServer) {
	s.t.Helper()
	w := words(s.sentinels[0].Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", sentinelName))
	if len(w) == 2 && net.JoinHostPort(w[0], w[1]) == s.servers[1].Addr() {
		return s.servers[1], s.servers[0]
	}
	return s.servers[0], s.servers[1]
}

// CutReplication keeps the replica of a master from hearing anything more: what
// is written from now on is lost when the master is.
func (s *SentinelServers) CutReplication() {
	s.t.Helper()
	master, replica := s.Master()
	master.Do("ACL", "SETUSER", "replica", "off")
	master.KillClients("replica")
	if err := await(nil, func() error {
		if isReplica(replica.Addr(), master.port) == nil {
			return errors.New("the replica still hears its master")
		}
		return nil
	}); err != nil {
		s.t.Fatal("testserver:", err)
	}
}

// AwaitMaster waits until a server takes writes and the sentinels say so.
func (s *SentinelServers) AwaitMaster(who *RedisServer) {
	s.t.Helper()
	err := await(nil, func() error {
		if now, _ := s.Master(); now != who {
			return errors.New("the sentinels name another")
		}
		role, err := ask(who.Addr(), "ROLE")
		if w := words(role); err == nil && w[0] != "master" {
			err = fmt.Errorf("its role is %q", w[0])
		}
		return err
	})
	if err != nil {
		s.t.Fatal("testserver:", err)
	}
}
