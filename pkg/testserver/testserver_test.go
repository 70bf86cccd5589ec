package testserver

import (
	"net/url"
	"testing"
	"time"
)

func TestRedisKeepsItsDataOverARestart(t *testing.T) {
	s := Redis(t)
	if err := redisDo(s.Addr(), "SET k v"); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if err := redisDo(s.Addr(), "PING"); err == nil {
		t.Fatal("a stopped server answers")
	}
	s.Start()
	if err := redisDo(s.Addr(), "RENAME k k2"); err != nil {
		t.Fatal("the key is gone after a restart:", err)
	}
	s.Flush()
	if err := redisDo(s.Addr(), "RENAME k2 k"); err == nil {
		t.Fatal("the key is there after a flush")
	}
}

func TestRedisErase(t *testing.T) {
	s := Redis(t)
	if err := redisDo(s.Addr(), "SET k v"); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	s.Erase()
	s.Start()
	if err := redisDo(s.Addr(), "RENAME k k2"); err == nil {
		t.Fatal("the key is there after an erase")
	}
}

func TestRedisGoesBackToACopy(t *testing.T) {
	s := Redis(t)
	s.Do("SET", "k", "then")
	restore := s.Copy()
	s.Do("SET", "k", "now")
	s.Kill()
	restore()
	s.Start()
	if v := s.Do("GET", "k"); v != "then" {
		t.Fatal("after going back k is", v)
	}
}

func TestRedisPause(t *testing.T) {
	s := Redis(t)
	s.Pause()
	answered := make(chan error, 1)
	go func() { answered <- redisDo(s.Addr(), "PING") }()
	select {
	case err := <-answered:
		t.Fatal("a frozen server answers:", err)
	case <-time.After(100 * time.Millisecond):
	}
	s.Resume()
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
}

func TestMariaDBComesBackAfterKill(t *testing.T) {
	s := MariaDB(t)
	c := rootConfig(s.Addr())
	c.DBName = "tieline"
	for _, q := range []string{"CREATE TABLE t (a INT PRIMARY KEY)", "INSERT INTO t VALUES (1)"} {
		if err := exec1(c, q); err != nil {
			t.Fatal(err)
		}
	}
	s.Kill()
	if err := ping(c); err == nil {
		t.Fatal("a killed server answers")
	}
	s.Start()
	if err := exec1(c, "INSERT INTO t VALUES (1)"); err == nil {
		t.Fatal("a committed row is gone after a kill")
	}
}

func TestDatabasesAreApart(t *testing.T) {
	for range 2 {
		u, err := url.Parse(Database(t))
		if err != nil {
			t.Fatal(err)
		}
		c := mysqlConfig(u)
		c.DBName = u.Path[1:]
		if err := exec1(c, "CREATE TABLE t (a INT PRIMARY KEY)"); err != nil {
			t.Fatal(err)
		}
	}
}
