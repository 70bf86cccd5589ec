package main_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/wire"
)

// witness is a test that notes how it failed, and where, the way the testing
// package finds it: outside of whatever called Helper.
type witness struct {
	testing.TB
	mu      sync.Mutex
	helpers map[string]bool
	said    []string
	cleanup []func()
}

func (w *witness) Helper() {
	pc, _, _, _ := runtime.Caller(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.helpers[runtime.FuncForPC(pc).Name()] = true
}

func (w *witness) Errorf(format string, args ...any) {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	f, more := frames.Next()
	for w.helpers[f.Function] && more {
		f, more = frames.Next()
	}
	w.said = append(w.said, fmt.Sprintf("%s: ", filepath.Base(f.File))+fmt.Sprintf(format, args...))
}

func (w *witness) Fatalf(format string, args ...any) {
	w.Helper()
	w.Errorf(format, args...)
	runtime.Goexit()
}

func (w *witness) Cleanup(f func())    { w.cleanup = append(w.cleanup, f) }
func (w *witness) Failed() bool        { return len(w.said) > 0 }
func (w *witness) Logf(string, ...any) {}

// tell runs a story in a world and returns what the test would have said.
func tell(t *testing.T, world *fakeWorld, story func(*story)) []string {
	w := &witness{TB: t, helpers: map[string]bool{}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		story(newStory(w, nodes(2), func(o *storyOptions) { o.launch = world.launcher() }))
	}()
	<-ended
	for _, f := range w.cleanup {
		f()
	}
	return w.said
}

func TestAStoryThatComesTrue(t *testing.T) {
	said := tell(t, newFakeWorld(), func(s *story) {
		alice, bob := s.User("alice"), s.User("bob")
		bob.On("n2")
		alice.On("n1").Says(bob, "hi")
		bob.Hears("hi")
		bob.HearsNothing()
		bob.Leaves()
		alice.Says(bob, "later")
		alice.MayNotSay(bob, "refused", chat.Blocked)
		alice.Acked(alice.Shouts(bob, "and again"))
		bob.Returns("n1").Synced(2, wire.SourceQueue) // the probes are not counted
		bob.Hears("later", "and again")
		phone := bob.Device("phone", chat.IOS)
		phone.On("n2").HearsAll("and again", "hi", "later")
		alice.Says(bob, "leave")
		bob.Hears("leave")
		bob.IsKicked(chat.ByAdmin).ClosedWith(wire.CloseKicked)
		alice.StaysOn()
		s.Node("n2").Kill()
		s.Node("n2").Start()
	})
	if len(said) > 0 {
		t.Errorf("the story failed: %q", said)
	}
}

// Every verb fails where it should, and names the story's own file.
func TestStoriesThatDoNot(t *testing.T) {
	const moment = 50 * time.Millisecond
	for want, end := range map[string]func(alice, bob *User){
		`bob's web hears "b", want "a"`:          func(alice, bob *User) { alice.Says(bob, "b"); bob.Hears("a") },
		`does not hear "never": it did not`:      func(alice, bob *User) { alice.Says(bob, "never"); bob.Within(moment).Hears("never") },
		`hears "x", want nothing`:                func(alice, bob *User) { alice.Says(bob, "x"); bob.HearsNothing() },
		`hears "y", want any of ["x"]`:           func(alice, bob *User) { alice.Says(bob, "y"); bob.HearsAll("x") },
		`was shown twice`:                        func(alice, bob *User) { alice.Says(bob, "twice"); bob.Hears("twice"); bob.HearsNothing() },
		`after seq 1001 of the same sender`:      func(alice, bob *User) { alice.Says(bob, "ahead"); alice.Says(bob, "x"); bob.Hears("ahead", "x") },
		`alice's web said "refused": blocked no`: func(alice, bob *User) { alice.Says(bob, "refused") },
		`want it to be refused with blocked`:     func(alice, bob *User) { alice.MayNotSay(bob, "x", chat.Blocked) },
		`does not get a probe`: func(alice, bob *User) {
			bob.Leaves()
			bob.On("n1")
			bob.line.raw.Close()
			bob.Within(moment).probe(bob.s.Node("n1"))
		},
		`is kicked: "by_admin"`:               func(alice, bob *User) { alice.Says(bob, "leave"); bob.IsKicked(chat.Replaced) },
		`is kicked: ""`:                       func(alice, bob *User) { bob.Within(moment).IsKicked(chat.ByAdmin) },
		`is closed with socket closed: 4001`:  func(alice, bob *User) { alice.Says(bob, "leave"); bob.ClosedWith(wire.CloseReplaced) },
		`is closed with <nil>`:                func(alice, bob *User) { bob.Within(moment).ClosedWith(wire.CloseKicked) },
		`no longer there`:                     func(alice, bob *User) { alice.Says(bob, "leave"); bob.line.end(soon); bob.StaysOn() },
		`synced with 0 frames from the queue`: func(alice, bob *User) { bob.Synced(1, "") },
		`synced counts 0 frames, 1 came`:      func(alice, bob *User) { bob.Leaves(); alice.Says(bob, "uncounted"); bob.Returns("n1") },
		`it became seq 2 of c, it was seq 1`:  func(alice, bob *User) { alice.SaysAgain(alice.Says(bob, "x")) },
		`bob's web is on n1: it Leaves first`: func(alice, bob *User) { bob.On("n2") },
		`has not left n1`:                     func(alice, bob *User) { bob.Within(moment).Returns("n2") },
		`the story has no node n7`:            func(alice, bob *User) { bob.s.Node("n7") },
		`does not see alice with online=true`: func(alice, bob *User) { bob.Within(moment).SeesOnline(alice) },
	} {
		t.Run(want, func(t *testing.T) {
			said := tell(t, newFakeWorld(), func(s *story) {
				alice, bob := s.User("alice"), s.User("bob")
				alice.On("n1")
				bob.On("n1")
				end(alice, bob)
			})
			if len(said) != 1 || !strings.HasPrefix(said[0], "story_language_test.go: ") || !strings.Contains(said[0], want) {
				t.Errorf("the test says %q", said)
			}
		})
	}
}

func TestLogsAreLookedAt(t *testing.T) {
	for want, logged := range map[string]string{
		"wrote a credential": "GET /ws?token=access/alice/web 101\n",
		"panic: oh no":       "panic: oh no\ngoroutine 1\n",
	} {
		world := newFakeWorld()
		world.logged = logged
		said := tell(t, world, func(s *story) { s.User("alice") })
		if len(said) != 2 || !strings.Contains(said[0], want) { // one a node
			t.Errorf("%s: the test says %q", want, said)
		}
	}
}
