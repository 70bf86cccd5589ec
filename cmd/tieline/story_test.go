package main_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/testserver"
)

// A story is an end-to-end test in a small language: people with devices, on
// nodes that are processes of the real program, with a real Redis and a real
// MariaDB between them, all of which can be killed.
//
//	s := newStory(t, nodes(2), policy(chat.Single))
//	alice, bob := s.User("alice"), s.User("bob")
//	alice.On("n1").Says(bob, "hi")
//	bob.On("n2").Hears("hi")
//
// Every verb waits for what it says, up to a deadline, and fails the test at the
// story's own line. None sleeps. Besides what a story says, every story checks
// that nobody is shown a message twice (unless Redis has lost something), that
// one sender's messages arrive in the order of their seqs, that the count of each
// "synced" is right, and that no node has written a credential to its log or has
// panicked.
type story struct {
	t     testing.TB
	Redis *storyRedis
	// Database is the story's own server; nil unless ownDatabase was asked for.
	Database *testserver.DatabaseServer

	o      storyOptions
	dir    string
	env    []string // of the nodes and of Tieline
	nodes  []*node
	users  []*User
	probes map[*node]*User
	lossy  atomic.Bool // Redis has lost something: a message may be shown again
	secret []string
}

// Deadlines of verbs that no Within was said for.
const (
	soon    = 30 * time.Second // anything that happens by itself
	busy    = 10 * time.Second // what a machine with other work may add to what is promised
	startup = 60 * time.Second // a node with migrations, on a busy machine
)

type storyOptions struct {
	nodes    int
	settings []string
	database func(testing.TB) *testserver.DatabaseServer // of its own; nil: shared
	ordinary bool                                        // the nodes are an ordinary user there
	inTheBox bool
	redis    redisForm
	proxies  bool
	files    int // descriptors that a node may have; 0: as many as we may
	launch   launcher
}

type storyOption func(*storyOptions)

// nodes is how many nodes there are: n1, n2, …; two if nothing is said.
func nodes(n int) storyOption { return func(o *storyOptions) { o.nodes = n } }

// policy is what becomes of the other devices when somebody signs in.
func policy(p chat.Policy) storyOption { return setting("TIELINE_SESSIONS", string(p)) }

// setting is an environment variable of every node.
func setting(name, value string) storyOption {
	return func(o *storyOptions) { o.settings = append(o.settings, name+"="+value) }
}

// ownDatabase gives the story a MariaDB of its own, to be killed. Without it,
// stories share a server, each with a database of its own.
func ownDatabase() storyOption { return func(o *storyOptions) { o.database = testserver.MariaDB } }

// ordinaryUser is ownDatabase, where the nodes may do nothing that they need not.
func ordinaryUser() storyOption {
	return func(o *storyOptions) { o.database, o.ordinary = testserver.MariaDB, true }
}

// onSmallDisk is ordinaryUser, with a disk that can be filled.
func onSmallDisk() storyOption {
	return func(o *storyOptions) { o.database, o.ordinary = testserver.MariaDBOnSmallDisk, true }
}

// files is how many file descriptors each node may have.
func files(n int) storyOption { return func(o *storyOptions) { o.files = n } }

// inTheBox has the one node use what it brings along instead of servers.
func inTheBox() storyOption { return func(o *storyOptions) { o.nodes, o.inTheBox = 1, true } }

// newStory starts the servers and the nodes, and returns when all are ready.
func newStory(t testing.TB, options ...storyOption) *story {
	t.Helper()
	s := &story{t: t, o: storyOptions{nodes: 2, launch: launchProgram}, dir: t.TempDir(), probes: map[*node]*User{}}
	for _, o := range options {
		o(&s.o)
	}
	for i := range s.o.nodes {
		id := fmt.Sprint("n", i+1)
		s.nodes = append(s.nodes, &node{s: s, id: id, log: filepath.Join(s.dir, id+".log")})
	}
	s.environment()
	t.Cleanup(s.end)
	for _, n := range s.nodes {
		n.launch() // together: they migrate one database
	}
	for _, n := range s.nodes {
		n.awaitReady()
	}
	return s
}

// storyKey signs the access tokens of all stories.
const storyKey = "a key of a story, 32 bytes or more"

// patience is how long is waited for what is promised within a time.
func (s *story) patience(promised time.Duration) time.Duration {
	if s.o.launch.real {
		return promised + busy
	}
	return promised
}

// environment starts the servers that the nodes share, and names them.
func (s *story) environment() {
	s.t.Helper()
	s.secret = append(s.secret, storyKey)
	s.env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TIELINE_") })
	set := func(name, value string) { s.env = append(s.env, name+"="+value) }
	if s.o.launch.real && !s.o.inTheBox {
		s.Redis = startRedis(s)
		set("TIELINE_REDIS_URL", s.Redis.URL())
		set("TIELINE_DATABASE_URL", s.databaseURL())
	}
	if !s.o.inTheBox {
		set("TIELINE_TOKEN_KEY", storyKey)
	}
	set("TIELINE_DATA_DIR", filepath.Join(s.dir, "data"))
	set("TIELINE_LOG_LEVEL", "debug")
	for _, limit := range []string{"SENDS", "SIGNALS", "REQUESTS", "CONNECTS", "LOGINS"} {
		set("TIELINE_LIMIT_"+limit, "0")
	}
	s.env = append(s.env, s.o.settings...) // the last one counts
}

// databaseURL is the database of the nodes.
func (s *story) databaseURL() string {
	s.t.Helper()
	if s.o.database == nil {
		return testserver.Database(s.t)
	}
	s.Database = s.o.database(s.t)
	if s.o.ordinary {
		return s.Database.OrdinaryURL()
	}
	return s.Database.URL()
}

// end closes every socket, ends the nodes and looks at what they have written.
func (s *story) end() {
	for _, u := range s.users {
		u.close()
	}
	for _, n := range s.nodes {
		n.end()
		n.checkLog()
	}
}

// Node returns a node by its name: "n1".
func (s *story) Node(id string) *node {
	s.t.Helper()
	for _, n := range s.nodes {
		if n.id == id {
			return n
		}
	}
	s.t.Fatalf("the story has no node %s", id)
	return nil
}

// running are the nodes that somebody could talk to.
func (s *story) running() (up []*node) {
	for _, n := range s.nodes {
		if n.running() {
			up = append(up, n)
		}
	}
	return up
}

// api speaks HTTP to whichever node is up.
func (s *story) api(accessToken string) *client.API {
	var urls []string
	for _, n := range s.running() {
		urls = append(urls, n.URL())
	}
	return client.NewAPI(client.APIOptions{URLs: urls, AccessToken: accessToken})
}

// keepSecret has the logs searched for something in the end.
func (s *story) keepSecret(secrets ...string) {
	for _, v := range secrets {
		if v != "" {
			s.secret = append(s.secret, v)
		}
	}
}

// User signs somebody up, on a first device "web".
func (s *story) User(name string) *User {
	s.t.Helper()
	u := &User{name: name, password: "the password of " + name}
	u.device = u.place(s, "web", chat.Web)
	s.keepSecret(u.password)
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	g, err := s.api("").Register(ctx, client.Registration{
		Username: name, Password: u.password, Device: &client.Place{ID: u.id, Platform: u.platform, Name: string(u.id)},
	})
	if err != nil {
		s.t.Fatalf("%s could not sign up: %v", name, err)
	}
	u.ID = g.User.ID
	u.granted(g)
	s.users = append(s.users, u)
	return u
}
