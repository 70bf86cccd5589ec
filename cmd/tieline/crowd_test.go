package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// A crowd is many people with a device each, for what only many sockets bring
// about: restarts under load, everybody coming back at once. Its members speak
// and listen as programs do, over bare sockets, so that what the server repeats
// or leaves out is seen. The figures that a crowd gathers are logged by the test.
type crowd struct {
	t       testing.TB
	s       *story
	members []*member

	mu      sync.Mutex
	accepts map[int64]int      // welcomes, by the second
	pauses  []time.Duration    // from the end of a socket, or its drain, until synced on the next
	endings map[ending]int     // how sockets ended that members did not end themselves
	said    map[string]*saying // by text, which are all different
	delays  []time.Duration    // from before it was sent until it was heard, of what says when that was
	refused map[chat.Kind]int  // sends that were to be repeated, by code
	heardAt map[seat]string    // nil: nobody looks
}

// ending is how a server ended a socket: whether it had been let in, what was
// said last, and the code.
type ending struct {
	in   bool
	last string // the type of the last frame
	code int
}

// crowdBatch is how many people a command of the operator makes at a time.
const crowdBatch = 1000

// Crowd makes accounts with a device each the way an operator does: without
// passwords, whose hashes would take longer than the tests.
func (s *story) Crowd(name string, n int) *crowd {
	s.t.Helper()
	c := &crowd{t: s.t, s: s, accepts: map[int64]int{}, endings: map[ending]int{}, said: map[string]*saying{}, refused: map[chat.Kind]int{}}
	for len(c.members) < n {
		var accounts, names strings.Builder
		for i := range min(crowdBatch, n-len(c.members)) {
			one := fmt.Sprintf("%s%d", name, len(c.members)+i)
			fmt.Fprintf(&accounts, `{"username":%q}`+"\n", one)
			fmt.Fprintln(&names, one)
		}
		s.Tieline(accounts.String(), "user", "import", "-")
		c.add(s.Tieline(names.String(), "token", "--platform", "web", "--ttl", "24h"))
	}
	if len(c.members) != n {
		s.t.Fatalf("%d members of a crowd of %d", len(c.members), n)
	}
	s.keepSecret(c.members[0].token, c.members[n-1].token) // looking for all of them would take too long
	return c
}

// add makes members of the lines that the token command printed.
func (c *crowd) add(lines string) {
	c.t.Helper()
	for in := bufio.NewScanner(strings.NewReader(lines)); in.Scan(); {
		var one struct {
			Username string        `json:"username"`
			User     chat.UserID   `json:"user"`
			Device   chat.DeviceID `json:"device"`
			Token    string        `json:"access_token"`
		}
		if err := json.Unmarshal(in.Bytes(), &one); err != nil {
			c.t.Fatal(err)
		}
		c.members = append(c.members, &member{
			crowd: c, name: one.Username, user: one.User, device: one.Device, token: one.Token,
			changed: make(chan struct{}), acks: map[string]frame{}, heard: map[string]int{}, newest: map[sender]int64{},
		})
	}
}

// each calls do for every member, so many at a time, and returns when all is done.
func (c *crowd) each(atOnce int, do func(i int, m *member)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for i := range next {
				do(i, c.members[i])
			}
		})
	}
	for i := range c.members {
		next <- i
	}
	close(next)
	workers.Wait()
}

// noteAccept counts a welcome, and the pause that it ended, if there was one.
func (c *crowd) noteAccept() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accepts[time.Now().Unix()]++
}

func (c *crowd) notePause(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pauses = append(c.pauses, d)
}

func (c *crowd) noteEnd(e ending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endings[e]++
}

// noteSaid is told of each ack.
func (c *crowd) noteSaid(text string, s *saying) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said[text] = s
}

// stamped is a text that says when it was said, and noteDelay how long ago that
// was when it is heard.
func stamped(text string) string { return fmt.Sprint(text, stampPre, time.Now().UnixNano()) }

const stampPre = " at "

func (c *crowd) noteDelay(text string) {
	var at int64
	if i := strings.LastIndex(text, stampPre); i < 0 {
		return
	} else if _, err := fmt.Sscan(text[i+len(stampPre):], &at); err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.delays = append(c.delays, time.Since(time.Unix(0, at)))
}

// noteRefused is told of each refusal for now.
func (c *crowd) noteRefused(code chat.Kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused[code]++
}

// lost counts what was acknowledged and not heard by whom it was for.
func (c *crowd) lost() (n int, example string) {
	return c.lostOf(func(*saying) bool { return true })
}

// repeated counts how often something was heard again, and overtaken how often
// something came after a later message of the same sender.
func (c *crowd) repeated() (again, overtaken int) {
	for _, m := range c.members {
		m.mu.Lock()
		for _, n := range m.heard {
			again += n - 1
		}
		overtaken += m.overtaken
		m.mu.Unlock()
	}
	return again, overtaken
}

// AllHeard waits until everything acknowledged was heard, and checks that
// nothing was heard twice or out of its sender's order.
func (c *crowd) AllHeard(within time.Duration) {
	c.t.Helper()
	late := time.Now().Add(within)
	lost, example := c.lost()
	for lost > 0 && time.Now().Before(late) {
		<-time.After(50 * time.Millisecond) // the deadline bounds it
		lost, example = c.lost()
	}
	if lost > 0 {
		c.t.Errorf("%d of %d acknowledged messages were lost, such as %s", lost, len(c.said), example)
	}
	again, overtaken := c.repeated()
	if again > 0 && !c.s.lossy.Load() || overtaken > 0 {
		c.t.Errorf("%d messages were shown twice, %d after a later one of the same sender", again, overtaken)
	}
	c.t.Logf("acknowledged %d, lost %d, repeated %d", len(c.said), lost, again)
}

// peak is the most welcomes within one second.
func (c *crowd) peak() (most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.accepts {
		most = max(most, n)
	}
	return most
}
