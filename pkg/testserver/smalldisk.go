package testserver

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// disk is a disk that can be filled up.
type disk struct {
	mounted bool // a file system of its own; else the server's one file may not grow beyond a size
}

// Sizes of what is filled up: the empty server has some 35 MB.
const (
	smallDisk  = "size=96m"
	smallSpace = "ibdata1:12M:autoextend:max:48M"
)

// MariaDBOnSmallDisk starts a mariadbd whose data can fill its disk: a file
// system in memory where this process may mount one, else one data file that may
// not grow for ever. In both the server says that a table is full.
func MariaDBOnSmallDisk(t testing.TB) *DatabaseServer {
	t.Helper()
	s := &DatabaseServer{t: t, dir: dirFor(t)}
	data := filepath.Join(s.dir, "data")
	err := os.Mkdir(data, 0o700)
	if err == nil {
		err = syscall.Mount("tieline-test", data, "tmpfs", 0, smallDisk)
	}
	switch s.disk.mounted = err == nil; {
	case s.disk.mounted:
		t.Cleanup(func() {
			if err := syscall.Unmount(data, syscall.MNT_DETACH); err != nil {
				t.Error("testserver: unmount:", err)
			}
		})
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		s.args = []string{"--innodb-file-per-table=0", "--innodb-data-file-path=" + smallSpace}
	default:
		t.Fatal("testserver: small disk:", err)
	}
	s.begin()
	return s
}

// FillDisk leaves no room for another row, and says how.
func (s *DatabaseServer) FillDisk() string {
	s.t.Helper()
	if !s.disk.mounted {
		return s.fillSpace()
	}
	f, err := os.Create(s.filler())
	if err != nil {
		s.t.Fatal("testserver: fill disk:", err)
	}
	defer f.Close()
	if n, err := io.Copy(f, endless{}); !errors.Is(err, syscall.ENOSPC) {
		s.t.Fatalf("testserver: fill disk: %d bytes, then %v", n, err)
	}
	return "no space left on the device"
}

// FreeDisk ends FillDisk.
func (s *DatabaseServer) FreeDisk() {
	s.t.Helper()
	if !s.disk.mounted {
		s.Exec("DROP TABLE filler")
		return
	}
	if err := os.Remove(s.filler()); err != nil {
		s.t.Fatal("testserver: free disk:", err)
	}
}

func (s *DatabaseServer) filler() string { return filepath.Join(s.dir, "data", "filler") }

// fillSpace fills the one data file with rows until none fits.
func (s *DatabaseServer) fillSpace() string {
	s.t.Helper()
	s.Exec("CREATE TABLE filler (body LONGBLOB) ENGINE=InnoDB")
	c := rootConfig(s.Addr())
	c.DBName = "tieline"
	for size := 256 << 10; size > 4<<10; size /= 2 {
		for {
			if err := exec1(c, fmt.Sprintf("INSERT INTO filler VALUES (REPEAT('x', %d))", size)); err != nil {
				if !strings.Contains(err.Error(), "is full") {
					s.t.Fatal("testserver: fill space:", err)
				}
				break
			}
		}
	}
	return "the tablespace has its greatest size"
}

// endless is a reader of as many zeros as somebody takes.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
