package testserver

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// Database returns the mysql:// URL of an empty database that is dropped with
// the test. It is on a server that the tests of this binary share, or on the one
// of TIELINE_TEST_DATABASE_URL, whose user must be allowed to create databases.
func Database(t testing.TB) string {
	t.Helper()
	base, err := sharedServer()
	if err != nil {
		t.Fatal("testserver: database:", err)
	}
	config := mysqlConfig(base)
	name := "tieline_test_" + strings.ToLower(rand.Text()[:16])
	if err := createDatabase(config, name); err != nil {
		t.Fatal("testserver: database:", err)
	}
	t.Cleanup(func() {
		if err := exec1(config, "DROP DATABASE `"+name+"`"); err != nil {
			t.Log("testserver: drop database:", err)
		}
	})
	u := *base
	u.Path = "/" + name
	return u.String()
}

// sharedServer returns the server that tests of this binary share.
var sharedServer = sync.OnceValues(func() (*url.URL, error) {
	if elsewhere := os.Getenv("TIELINE_TEST_DATABASE_URL"); elsewhere != "" {
		u, err := url.Parse(elsewhere)
		if err != nil || u.Scheme != "mysql" || u.Host == "" {
			return nil, errors.New("TIELINE_TEST_DATABASE_URL: want mysql://user:pass@host:3306/")
		}
		return u, nil
	}
	addr, err := startShared()
	return &url.URL{Scheme: "mysql", User: url.User("root"), Host: addr}, err
})

// startShared starts the shared server and returns its address.
func startShared() (string, error) {
	dir, err := shortDir()
	if err != nil {
		return "", err
	}
	if err := installMariaDB(dir); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	path, err := program("mariadbd", "mysqld")
	if err != nil {
		return "", err
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	if err := keep(dir, path, mariadbArgs(dir, port)...); err != nil {
		return "", err
	}
	addr := localAddr(port)
	if err := await(nil, func() error { return ping(rootConfig(addr)) }); err != nil {
		return "", fmt.Errorf("mariadbd: %w\n%s", err, tail(filepath.Clean(dir)))
	}
	return addr, nil
}

// mysqlConfig reaches the server of a URL without naming a database.
func mysqlConfig(u *url.URL) *mysql.Config {
	c := rootConfig(u.Host)
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	if u.Port() == "" {
		c.Addr = u.Host + ":3306"
	}
	return c
}
