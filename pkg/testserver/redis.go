package testserver

import (
	"bufio"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// RedisServer is a redis-server of one test. Its methods fail the test when
// they cannot do what they say, so they are called from the test's goroutine.
type RedisServer struct {
	t    testing.TB
	dir  string
	port int
	proc *process
}

// Redis starts a redis-server that keeps its data over Stop and Start in an
// append-only file, and loses up to a second of it in a Kill.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	s := &RedisServer{t: t, dir: dirFor(t)}
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

// Flush removes every key of a running server.
func (s *RedisServer) Flush() {
	s.t.Helper()
	if err := redisDo(s.Addr(), "FLUSHALL"); err != nil {
		s.t.Fatal("testserver: flush:", err)
	}
}

// Erase throws away what a stopped server had on disk, as if its machine were
// gone: the next Start begins empty.
func (s *RedisServer) Erase() {
	s.t.Helper()
	if err := os.RemoveAll(filepath.Join(s.dir, "appendonlydir")); err != nil {
		s.t.Fatal("testserver: erase:", err)
	}
}

func (s *RedisServer) start() error {
	path, err := program("redis-server")
	if err != nil {
		return err
	}
	s.proc, err = spawn(filepath.Join(s.dir, "log"), path,
		"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "",
		"--appendonly", "yes", "--appendfsync", "everysec")
	if err != nil {
		return err
	}
	return await(s.proc, func() error { return redisDo(s.Addr(), "PING") })
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

// redisDo runs commands without arguments that need quoting. A few lines of the
// inline protocol save every test binary a client library.
func redisDo(addr string, commands ...string) error {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	replies := bufio.NewReader(conn)
	for _, c := range commands {
		if _, err := conn.Write([]byte(c + "\r\n")); err != nil {
			return err
		}
		line, err := replies.ReadString('\n')
		if err != nil {
			return err
		}
		if !strings.HasPrefix(line, "+") {
			return fmt.Errorf("redis says %q", strings.TrimSpace(line))
		}
	}
	return nil
}
