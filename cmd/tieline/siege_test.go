package main_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// siege is clients that mean harm, and people beside them who want to talk. It is
// for those to lose nothing, to be refused nothing and to keep their sockets; how
// much longer they wait is logged.
type siege struct {
	t      *testing.T
	s      *story
	n      *node // that the attacks are on
	people *crowd
	talk   sync.WaitGroup
	hush   context.CancelFunc
}

// elsewhere is the address of the attackers; the people have another.
var elsewhere = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 66)}

// dialElsewhere connects from the address of the attackers.
func dialElsewhere(ctx context.Context, network, addr string) (net.Conn, error) {
	return (&net.Dialer{LocalAddr: elsewhere, Timeout: soon}).DialContext(ctx, network, addr)
}

// Siege has so many people talk to each other over all nodes.
func (s *story) Siege(t *testing.T, people int) *siege {
	t.Helper()
	x := &siege{t: t, s: s, n: s.nodes[0], people: s.Crowd("innocent", people)}
	present, leave := context.WithCancel(context.Background())
	talking, hush := context.WithCancel(context.Background())
	x.hush = hush
	var there sync.WaitGroup
	for i, m := range x.people.members {
		there.Go(func() { m.attend(present, s.urls(), i) })
	}
	t.Cleanup(func() { hush(); x.talk.Wait(); leave(); there.Wait() })
	eventually(t, startup, "all are connected", x.people.allOnline)
	for i, m := range x.people.members {
		x.talk.Go(func() {
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for n := 0; talking.Err() == nil; n++ {
				to := x.people.members[(i+1+n%3)%people]
				ctx, cancel := context.WithTimeout(context.Background(), startup)
				if to != m && !m.say(ctx, to, stamped(fmt.Sprint(m.name, " says ", n))) {
					t.Errorf("%s is not answered", m.name)
				}
				cancel()
				<-tick.C
			}
		})
	}
	x.talks(1)
	return x
}

// talks waits until the people have heard of each other some more, and returns
// the 99th percentile of how long that took.
func (x *siege) talks(much int) time.Duration {
	x.t.Helper()
	x.people.mu.Lock()
	x.people.delays = nil
	x.people.mu.Unlock()
	eventually(x.t, startup, "the people hear each other", func() bool { return x.heard() >= 10*much*len(x.people.members) })
	return x.slowest()
}

func (x *siege) heard() int {
	x.people.mu.Lock()
	defer x.people.mu.Unlock()
	return len(x.people.delays)
}

func (x *siege) slowest() time.Duration {
	x.people.mu.Lock()
	defer x.people.mu.Unlock()
	slices.Sort(x.people.delays)
	return x.people.delays[len(x.people.delays)*99/100].Round(time.Millisecond)
}

// Attack lets some clients do harm while the people talk. The node may grow by
// so much for each of them, and a bit for all.
func (x *siege) Attack(what string, clients, each int, do func(ctx context.Context, i int) string) {
	x.t.Helper()
	before, memory := x.talks(1), x.n.memory()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	said := make([]string, clients)
	var attackers sync.WaitGroup
	for i := range clients {
		attackers.Go(func() { said[i] = do(ctx, i) })
	}
	during := x.talks(3)
	grown := x.n.memory() - memory
	cancel()
	attackers.Wait()
	x.t.Logf("figures: attack=%q clients=%d p99_before=%v p99_during=%v rss_before=%dMiB rss_grown=%dMiB seen=%q",
		what, clients, before, during, memory>>20, grown>>20, said[0])
	if most := allOfThem + clients*each; grown > most {
		x.t.Errorf("%s: the node has grown by %d MiB, want %d at most", what, grown>>20, most>>20)
	}
}

// allOfThem is by how much a node may grow whatever happens: its pools and what
// the collector has not yet given back, under the race detector.
const allOfThem = 160 << 20

// Ends says that nobody but the attackers noticed.
func (x *siege) Ends() {
	x.t.Helper()
	x.hush()
	x.talk.Wait()
	x.people.AllHeard(soon)
	for e, n := range x.people.endings {
		x.t.Errorf("%d sockets of others ended: %+v", n, e)
	}
	for code, n := range x.people.refused {
		x.t.Errorf("%d sends of others were refused with %s", n, code)
	}
}

// memory is how much a node's process has in memory.
func (n *node) memory() int {
	n.s.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.process.(*storyProcess).cmd.Process.Pid))
	_, rest, ok := strings.Cut(string(status), "VmRSS:")
	var kib int
	if _, e := fmt.Sscan(rest, &kib); err != nil || !ok || e != nil {
		n.s.t.Fatalf("how large %s is: %v %v", n.id, err, e)
	}
	return kib << 10
}

// metric is a figure of a node by its whole name, 0 if it has none.
func (n *node) metric(name string) (v float64) {
	n.s.t.Helper()
	for line := range strings.Lines(string(n.Asks("GET", "/metrics", "", "").Body)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			fmt.Sscan(rest, &v)
		}
	}
	return v
}

// opens is a socket by hand from elsewhere, whose frames are split into parts of
// a few bytes if that is asked for.
func (m *member) opens(n *node, part int) (*websocket.Conn, error) {
	d := websocket.Dialer{NetDialContext: dialElsewhere, HandshakeTimeout: soon, WriteBufferSize: part}
	conn, _, err := d.Dial("ws://"+n.addr+"/ws?token="+m.token+"&device="+string(m.device), nil)
	return conn, err
}
