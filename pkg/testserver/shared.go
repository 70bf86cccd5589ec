package testserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
)

// keepAlive are our ends of the pipes to the keepers of shared servers. They are
// never written to and never closed: the kernel closes them when this process
// ends, however it ends, and the keepers then stop their servers and remove
// their files. No goroutine of ours has to live as long as the servers do.
var (
	keepAliveMu sync.Mutex
	keepAlive   []*os.File
)

// keeper runs a server until standard input ends: $1 is its directory, the rest
// its command line.
const keeper = `dir=$1; shift
"$@" </dev/null >>"$dir/log" 2>&1 &
cat >/dev/null
kill -9 $!
wait
rm -rf "$dir"`

// keep runs a server that the tests of this binary share, for as long as this
// process runs.
func keep(dir, path string, args ...string) error {
	theirs, ours, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirs.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", keeper, "sh", dir, path}, args...)...)
	cmd.Stdin = theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is for the tests
	if err := cmd.Start(); err != nil {
		return err
	}
	keepAliveMu.Lock()
	defer keepAliveMu.Unlock()
	keepAlive = append(keepAlive, ours)
	return nil
}

// keepRedis starts a redis-server that the tests of this binary share, and
// returns its port.
func keepRedis(args ...string) (int, error) {
	dir, err := shortDir()
	if err != nil {
		return 0, err
	}
	path, err := program("redis-server")
	if err != nil {
		return 0, err
	}
	port, err := freePort()
	if err != nil {
		return 0, err
	}
	if err := keep(dir, path, redisArgs(dir, port, args)...); err != nil {
		return 0, err
	}
	err = await(nil, func() error { _, err := ask(localAddr(port), "PING"); return err })
	if err != nil {
		err = fmt.Errorf("redis-server: %w\n%s", err, tail(filepath.Clean(dir)))
	}
	return port, err
}
