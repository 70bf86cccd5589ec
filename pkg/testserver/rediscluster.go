package testserver

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// RedisClusterServers are a Redis Cluster of three masters.
type RedisClusterServers struct {
	t       testing.TB
	masters []*RedisServer
	all     []*RedisServer
}

// slots is how many slots a Redis Cluster has.
const slots = 16384

// RedisCluster starts a Redis Cluster and returns when all its slots are served.
func RedisCluster(t testing.TB) *RedisClusterServers {
	t.Helper()
	c := &RedisClusterServers{t: t}
	_, err := formCluster(func(args ...string) (int, error) {
		one := startRedis(t, args...)
		c.masters = append(c.masters, one)
		return one.port, nil
	}, 2*downAfter)
	if err != nil {
		t.Fatal("testserver: redis cluster:", err)
	}
	c.all = append(c.all, c.masters...)
	return c
}

// RedisClusterURL returns the URL of an emptied Redis Cluster that the tests of
// this binary share; they do not run at the same time, and break nothing.
func RedisClusterURL(t testing.TB) string {
	t.Helper()
	ports, err := sharedCluster()
	for _, p := range ports {
		err = errors.Join(err, redisDo(localAddr(p), "FLUSHALL"))
	}
	if err != nil {
		t.Fatal("testserver: redis cluster:", err)
	}
	return clusterURL(ports)
}

var sharedCluster = sync.OnceValues(func() ([]int, error) { return formCluster(keepRedis, startWithin) })

// clusterArgs make a redis-server one of a cluster, which takes a node that is
// not heard of for so long for dead. Left alone it would want the port of its
// clients plus 10,000 for the other nodes, which need not exist.
func clusterArgs(patience time.Duration) ([]string, error) {
	bus, err := freePort()
	args := []string{"--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(bus), "--cluster-node-timeout", strconv.FormatInt(patience.Milliseconds(), 10)}
	return append(args, asReplica...), err
}

// formCluster starts three masters and has them share the slots; it returns
// their ports.
func formCluster(start starter, patience time.Duration) (ports []int, err error) {
	const masters = 3
	var bus string
	for i := range masters {
		args, err := clusterArgs(patience)
		if err != nil {
			return nil, err
		}
		port, err := start(args...)
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
		from, to := i*slots/masters, (i+1)*slots/masters-1
		steps := [][]string{
			{"CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i + 1)},
			{"CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(from), strconv.Itoa(to)},
		}
		if i == 0 {
			bus = args[3]
		} else {
			steps = append(steps, []string{"CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(ports[0]), bus})
		}
		if _, err := converse(localAddr(port), steps...); err != nil {
			return nil, err
		}
	}
	for _, p := range ports {
		if err := await(nil, func() error { return clusterIsWell(localAddr(p), masters) }); err != nil {
			return nil, err
		}
	}
	return ports, nil
}

// clusterIsWell returns nil once a node knows so many nodes and none of the
// slots is without a server.
func clusterIsWell(addr string, nodes int) error {
	info, err := ask(addr, "CLUSTER", "INFO")
	if err != nil {
		return err
	}
	lines := strings.Split(fmt.Sprint(info), "\r\n")
	for _, want := range []string{"cluster_state:ok", "cluster_slots_ok:" + strconv.Itoa(slots), "cluster_known_nodes:" + strconv.Itoa(nodes)} {
		if !slices.Contains(lines, want) {
			return fmt.Errorf("no %s in %q", want, info)
		}
	}
	return nil
}

func clusterURL(ports []int) string {
	var hosts []string
	for _, p := range ports {
		hosts = append(hosts, localAddr(p))
	}
	return "redis-cluster://" + strings.Join(hosts, ",")
}

// URL returns the cluster as a redis-cluster:// URL.
func (c *RedisClusterServers) URL() string {
	var ports []int
	for _, m := range c.masters {
		ports = append(ports, m.port)
	}
	return clusterURL(ports)
}

// Masters are the three that were masters at first.
func (c *RedisClusterServers) Masters() []*RedisServer { return c.masters }

// Serving returns the running server that serves a key's slot, and the slot.
func (c *RedisClusterServers) Serving(key string) (server *RedisServer, slot int) {
	c.t.Helper()
	for _, s := range c.alive() {
		n, _ := s.Do("CLUSTER", "KEYSLOT", key).(int64)
		if s.serves(s.id(), n) {
			return s, int(n)
		}
	}
	c.t.Fatalf("testserver: nobody serves the slot of %s", key)
	return nil, 0
}

// alive are the servers that run.
func (c *RedisClusterServers) alive() (all []*RedisServer) {
	for _, s := range c.all {
		if s.running() {
			all = append(all, s)
		}
	}
	return all
}

// serves reports whether a slot is served by a server, as far as this one knows.
func (s *RedisServer) serves(id string, slot int64) bool {
	s.t.Helper()
	return slices.ContainsFunc(s.slots(), func(r served) bool { return r.id == id && r.from <= slot && slot <= r.to })
}

// served is a range of slots and who serves it.
type served struct {
	from, to int64
	id       string
}

func (s *RedisServer) id() string { s.t.Helper(); return fmt.Sprint(s.Do("CLUSTER", "MYID")) }

// slots returns who serves what, as far as this server knows.
func (s *RedisServer) slots() (all []served) {
	s.t.Helper()
	list, _ := s.Do("CLUSTER", "SLOTS").([]any)
	for _, entry := range list {
		fields, _ := entry.([]any)
		if w := words(entry); len(fields) > 2 && len(w) > 4 {
			from, _ := fields[0].(int64)
			to, _ := fields[1].(int64)
			all = append(all, served{from, to, w[4]})
		}
	}
	return all
}

// AddReplica starts a replica of a master and returns when it has what its
// master has and every node knows it.
func (c *RedisClusterServers) AddReplica(of *RedisServer) *RedisServer {
	c.t.Helper()
	args, err := clusterArgs(2 * downAfter)
	if err != nil {
		c.t.Fatal("testserver:", err)
	}
	r := startRedis(c.t, args...)
	c.all = append(c.all, r)
	r.Do("CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(of.port), of.args[3])
	c.AwaitWell()
	r.Do("CLUSTER", "REPLICATE", of.id())
	c.await(func() error { return isReplica(r.Addr(), of.port) })
	for _, one := range c.alive() {
		c.await(func() error {
			if !strings.Contains(fmt.Sprint(one.Do("CLUSTER", "REPLICAS", of.id())), r.id()) {
				return errors.New("the replica is not known")
			}
			return nil
		})
	}
	return r
}

// AwaitWell waits until all slots are served, as far as the running servers know.
func (c *RedisClusterServers) AwaitWell() {
	c.t.Helper()
	for _, s := range c.alive() {
		c.await(func() error { return clusterIsWell(s.Addr(), len(c.all)) })
	}
}

// AwaitPromoted waits until a replica has taken the place of its master.
func (c *RedisClusterServers) AwaitPromoted(replica *RedisServer) {
	c.t.Helper()
	c.await(func() error {
		role, err := ask(replica.Addr(), "ROLE")
		if w := words(role); err == nil && w[0] != "master" {
			err = fmt.Errorf("its role is %q", w[0])
		}
		return err
	})
	c.AwaitWell()
}

// Move moves a slot and its keys from one master to another, key by key. In the
// middle of it, when half of the keys have moved, it calls meanwhile.
func (c *RedisClusterServers) Move(slot int, from, to *RedisServer, meanwhile func()) {
	c.t.Helper()
	number := strconv.Itoa(slot)
	to.Do("CLUSTER", "SETSLOT", number, "IMPORTING", from.id())
	from.Do("CLUSTER", "SETSLOT", number, "MIGRATING", to.id())
	move := func(most int) {
		for _, key := range words(from.Do("CLUSTER", "GETKEYSINSLOT", number, strconv.Itoa(most))) {
			from.Do("MIGRATE", "127.0.0.1", strconv.Itoa(to.port), key, "0", "5000") // NOKEY when it is gone meanwhile
		}
	}
	keys, _ := from.Do("CLUSTER", "COUNTKEYSINSLOT", number).(int64)
	move(int(keys+1) / 2)
	meanwhile()
	for from.Do("CLUSTER", "COUNTKEYSINSLOT", number) != int64(0) {
		move(100)
	}
	id := to.id()
	to.Do("CLUSTER", "SETSLOT", number, "NODE", id)
	from.Do("CLUSTER", "SETSLOT", number, "NODE", id)
	for _, m := range c.alive() {
		c.await(func() error {
			if !m.serves(id, int64(slot)) {
				return errors.New("not everybody knows who serves the slot")
			}
			return nil
		})
	}
}

func (c *RedisClusterServers) await(ask func() error) {
	c.t.Helper()
	if err := await(nil, ask); err != nil {
		c.t.Fatal("testserver:", err)
	}
}
