package testserver

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// RedisServer is a redis-server of one test. Its methods fail the test when
// they cannot do what they say, so they are called from the test's goroutine.
type RedisServer struct {
	t    testing.TB
	dir  string
	port int
	args []string // besides those that every redis-server gets
	proc *process
}

// Redis starts a redis-server that keeps its data over Stop and Start in an
// append-only file, and loses up to a second of it in a Kill.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	return startRedis(t)
}

// startRedis starts a redis-server with arguments of its own.
func startRedis(t testing.TB, args ...string) *RedisServer {
	t.Helper()
	s := &RedisServer{t: t, dir: dirFor(t), args: args}
	t.Cleanup(func() { s.proc.end(syscall.SIGKILL) })
	var err error
	for range 5 { // another process may take the port between our look and our start
		if s.port, err = freePort(); err != nil {
			break
		}
		if err = s.start(); err == nil {
			return s
		}
	}
	t.Fatalf("testserver: redis-server: %v\n%s", err, tail(s.dir))
	return nil
}

// RedisURL returns the URL of an empty Redis: one of the test's own, or database
// TIELINE_TEST_REDIS_URL, which is emptied.
func RedisURL(t testing.TB) string {
	t.Helper()
	elsewhere := os.Getenv("TIELINE_TEST_REDIS_URL")
	if elsewhere == "" {
		return Redis(t).URL()
	}
	if err := flushURL(elsewhere); err != nil {
		t.Fatal("testserver: TIELINE_TEST_REDIS_URL:", err)
	}
	return elsewhere
}

// Addr returns host:port.
func (s *RedisServer) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// URL returns the server as a redis:// URL.
func (s *RedisServer) URL() string { return "redis://" + s.Addr() + "/0" }

// Start starts the server again after Stop or Kill, on the same port.
func (s *RedisServer) Start() {
	s.t.Helper()
	if err := s.start(); err != nil {
		s.t.Fatalf("testserver: redis-server: %v\n%s", err, tail(s.dir))
	}
}

// Stop ends the server properly; nothing is lost.
func (s *RedisServer) Stop() { s.proc.end(syscall.SIGTERM) }

// Kill ends the server with SIGKILL.
func (s *RedisServer) Kill() { s.proc.end(syscall.SIGKILL) }

// Pause freezes the server: its connections stay open, nothing is answered.
func (s *RedisServer) Pause() {
	s.t.Helper()
	if err := s.proc.freeze(); err != nil {
		s.t.Fatal("testserver: pause:", err)
	}
}

// Resume ends a Pause.
func (s *RedisServer) Resume() { s.proc.signal(syscall.SIGCONT) }

// Do runs a command and returns the reply: a string, an int64, a []any or nil.
func (s *RedisServer) Do(command ...string) any {
	s.t.Helper()
	reply, err := ask(s.Addr(), command...)
	if err != nil {
		s.t.Fatalf("testserver: %s: %v", strings.Join(command, " "), err)
	}
	return reply
}

// running reports whether the server has been started and not ended since.
func (s *RedisServer) running() bool {
	select {
	case <-s.proc.done:
		return false
	default:
		return true
	}
}

// Flush removes every key of a running server.
func (s *RedisServer) Flush() {
	s.t.Helper()
	s.Do("FLUSHALL")
}

// KillClients cuts the connections of a type, as CLIENT KILL knows them:
// "normal", "pubsub" or "replica".
func (s *RedisServer) KillClients(kind string) {
	s.t.Helper()
	s.Do("CLIENT", "KILL", "TYPE", kind)
}

// Erase throws away what a stopped server had on disk, as if its machine were
// gone: the next Start begins empty.
func (s *RedisServer) Erase() {
	s.t.Helper()
	if err := os.RemoveAll(filepath.Join(s.dir, "appendonlydir")); err != nil {
		s.t.Fatal("testserver: erase:", err)
	}
}

// Copy keeps a copy of what the running server has on disk just now. The function
// that it returns puts the copy in the place of what a stopped server has: the
// next Start begins with the past.
func (s *RedisServer) Copy() (restore func()) {
	s.t.Helper()
	live, copied := filepath.Join(s.dir, "appendonlydir"), filepath.Join(s.dir, "copy")
	replace := func(to, from string) {
		s.t.Helper()
		if err := errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(from))); err != nil {
			s.t.Fatal("testserver: copy:", err)
		}
	}
	replace(copied, live)
	return func() { s.t.Helper(); replace(live, copied) }
}

func (s *RedisServer) start() error {
	path, err := program("redis-server")
	if err != nil {
		return err
	}
	s.proc, err = spawn(filepath.Join(s.dir, "log"), path, redisArgs(s.dir, s.port, s.args)...)
	if err != nil {
		return err
	}
	return await(s.proc, func() error { _, err := ask(s.Addr(), "PING"); return err })
}

// redisArgs are what every redis-server of ours is started with, and more; a
// configuration file among them goes first.
func redisArgs(dir string, port int, more []string) (args []string) {
	if len(more) > 0 && !strings.HasPrefix(more[0], "--") {
		args, more = append(args, more[0]), more[1:]
	}
	args = append(args, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "",
		"--appendonly", "yes", "--appendfsync", "everysec")
	return append(args, more...)
}

// flushURL empties the one database that a URL names.
func flushURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "redis" {
		return fmt.Errorf("want redis://host:port/0")
	}
	var commands []string
	if pass, ok := u.User.Password(); ok {
		commands = append(commands, strings.TrimSpace("AUTH "+u.User.Username()+" "+pass))
	}
	if db := strings.Trim(u.Path, "/"); db != "" {
		commands = append(commands, "SELECT "+db)
	}
	return redisDo(u.Host, append(commands, "FLUSHDB")...)
}

// redisDo runs commands without arguments that need quoting.
func redisDo(addr string, commands ...string) error {
	var all [][]string
	for _, c := range commands {
		all = append(all, strings.Fields(c))
	}
	_, err := converse(addr, all...)
	return err
}
