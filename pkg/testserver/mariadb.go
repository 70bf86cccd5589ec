package testserver

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// DatabaseServer is a mariadbd of one test, with an empty database "tieline".
// Its methods fail the test when they cannot do what they say.
type DatabaseServer struct {
	t    testing.TB
	dir  string
	port int
	args []string // besides the usual
	proc *process
	disk disk // of the data
}

// MariaDB starts a mariadbd that keeps what was committed, whatever happens.
func MariaDB(t testing.TB) *DatabaseServer {
	t.Helper()
	s := &DatabaseServer{t: t, dir: dirFor(t)}
	s.begin()
	return s
}

// begin installs and starts the server, and makes its database.
func (s *DatabaseServer) begin() {
	t := s.t
	t.Helper()
	t.Cleanup(func() { s.proc.end(syscall.SIGKILL) })
	err := installMariaDB(s.dir)
	for range 5 {
		if err != nil {
			break
		}
		if s.port, err = freePort(); err != nil {
			break
		}
		if err = s.start(); err == nil {
			break
		}
	}
	if err == nil {
		err = createDatabase(rootConfig(s.Addr()), "tieline")
	}
	if err != nil {
		t.Fatalf("testserver: mariadbd: %v\n%s", err, tail(s.dir))
	}
}

// Addr returns host:port.
func (s *DatabaseServer) Addr() string { return localAddr(s.port) }

// URL returns the database as a mysql:// URL.
func (s *DatabaseServer) URL() string { return "mysql://root@" + s.Addr() + "/tieline" }

// OrdinaryURL makes a user who may do what a node has to in the database, and
// nothing else with the server, such as write to one that is read-only.
func (s *DatabaseServer) OrdinaryURL() string {
	s.t.Helper()
	s.Exec("CREATE USER IF NOT EXISTS 'tieline'@'%' IDENTIFIED BY 'ordinary'")
	s.Exec("GRANT ALL ON tieline.* TO 'tieline'@'%'")
	return "mysql://tieline:ordinary@" + s.Addr() + "/tieline"
}

// Exec runs a statement as root.
func (s *DatabaseServer) Exec(statement string) {
	s.t.Helper()
	c := rootConfig(s.Addr())
	c.DBName = "tieline"
	if err := exec1(c, statement); err != nil {
		s.t.Fatalf("testserver: %s: %v", statement, err)
	}
}

// Start starts the server again after Stop or Kill, on the same port.
func (s *DatabaseServer) Start() {
	s.t.Helper()
	if err := s.start(); err != nil {
		s.t.Fatalf("testserver: mariadbd: %v\n%s", err, tail(s.dir))
	}
}

// Stop shuts the server down properly.
func (s *DatabaseServer) Stop() { s.proc.end(syscall.SIGTERM) }

// Kill ends the server with SIGKILL; it recovers at the next Start.
func (s *DatabaseServer) Kill() { s.proc.end(syscall.SIGKILL) }

// Pause freezes the server: its connections stay open, nothing is answered.
func (s *DatabaseServer) Pause() {
	s.t.Helper()
	if err := s.proc.freeze(); err != nil {
		s.t.Fatal("testserver: pause:", err)
	}
}

// Resume ends a Pause.
func (s *DatabaseServer) Resume() { s.proc.signal(syscall.SIGCONT) }

func (s *DatabaseServer) start() error {
	path, err := program("mariadbd", "mysqld")
	if err != nil {
		return err
	}
	s.proc, err = spawn(filepath.Join(s.dir, "log"), path, append(mariadbArgs(s.dir, s.port), s.args...)...)
	if err != nil {
		return err
	}
	return await(s.proc, func() error { return ping(rootConfig(s.Addr())) })
}

// installMariaDB makes an empty data directory with a root that needs no
// password. The small log file makes it 22 MB instead of 114.
func installMariaDB(dir string) error {
	path, err := program("mariadb-install-db", "mysql_install_db")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args := append([]string{
		"--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db",
		"--skip-name-resolve", "--datadir=" + filepath.Join(dir, "data"), "--tmpdir=" + dir, "--innodb-log-file-size=4M",
	}, asRoot()...)
	if out, err := exec.CommandContext(ctx, path, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("install: %w: %s", err, out)
	}
	return nil
}

// mariadbArgs are small and fast, but as careful with commits as the default.
func mariadbArgs(dir string, port int) []string {
	return append([]string{
		"--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--socket=" + filepath.Join(dir, "s.sock"),
		"--pid-file=" + filepath.Join(dir, "pid"), "--tmpdir=" + dir,
		"--port=" + strconv.Itoa(port), "--bind-address=127.0.0.1", "--skip-name-resolve", "--skip-log-bin",
		"--performance-schema=0", "--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci",
		"--default-time-zone=+00:00", "--innodb-buffer-pool-size=128M", "--innodb-log-file-size=4M",
		"--max-connections=500",
	}, asRoot()...)
}

// asRoot lets root run a server, which both programs refuse by default.
func asRoot() []string {
	if os.Geteuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

func localAddr(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// rootConfig reaches a server of ours without naming a database.
func rootConfig(addr string) *mysql.Config {
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr = "root", "tcp", addr
	c.Timeout, c.ReadTimeout, c.WriteTimeout = 2*time.Second, 30*time.Second, 30*time.Second
	c.Logger = &mysql.NopLogger{} // a server that is not up yet is nothing to tell
	return c
}

// exec1 runs one statement over a connection of its own.
func exec1(c *mysql.Config, statement string) error {
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err = db.ExecContext(ctx, statement)
	return err
}

func ping(c *mysql.Config) error { return exec1(c, "DO 1") }

func createDatabase(c *mysql.Config, name string) error {
	return exec1(c, "CREATE DATABASE `"+name+"` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
}
