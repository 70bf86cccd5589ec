package testserver

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// How long a server may take to come up, and how often it is asked.
const (
	startWithin = 30 * time.Second
	askEvery    = 5 * time.Millisecond
)

// process is one run of a server program. It is killed with the test binary,
// however that ends.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed once the program has ended
}

// spawn starts a program whose output goes to a log file.
func spawn(log, path string, args ...string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &process{cmd: exec.Command(path, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go func() {
		defer close(p.done)
		// The kernel sends Pdeathsig when the starting *thread* ends, so that
		// thread is kept for as long as the program runs.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // how a killed server ended is of no interest
		}
	}()
	return p, <-started
}

// signal sends a signal to a program that may have ended already.
func (p *process) signal(sig syscall.Signal) {
	if p != nil && p.cmd.Process != nil {
		_ = p.cmd.Process.Signal(sig)
	}
}

// freeze stops a program and returns once all its threads have: the signal
// reaches them one after the other, and one may answer meanwhile.
func (p *process) freeze() error {
	p.signal(syscall.SIGSTOP)
	return await(p, func() error {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
		if err != nil || len(threads) == 0 {
			return errors.New("no threads to be seen")
		}
		for _, thread := range threads {
			stat, err := os.ReadFile(thread)
			if _, after, ok := strings.Cut(string(stat), ") "); err == nil && ok && !strings.HasPrefix(after, "T") {
				return errors.New("a thread still runs")
			}
		}
		return nil
	})
}

// end sends a signal and waits until the program has ended.
func (p *process) end(sig syscall.Signal) {
	if p == nil {
		return
	}
	p.signal(sig)
	select {
	case <-p.done:
	case <-time.After(startWithin):
		p.signal(syscall.SIGKILL)
		<-p.done
	}
}

// errEnded says that a server ended before it answered.
var errEnded = errors.New("the server ended")

// await asks until there is no error, the program ends or time is up. A nil
// process is one that somebody else runs.
func await(p *process, ask func() error) error {
	var ended chan struct{}
	if p != nil {
		ended = p.done
	}
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	late := time.After(startWithin)
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ended:
			return errEnded
		case <-late:
			return fmt.Errorf("no answer within %v: %w", startWithin, err)
		}
	}
}

// freePort returns a port that was free a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// program finds an installed program; the daemons of Debian are in /usr/sbin,
// which is on the path of root only.
func program(names ...string) (string, error) {
	for _, name := range names {
		for _, where := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
			if path, err := exec.LookPath(where); err == nil {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("none of %s is installed", strings.Join(names, ", "))
}

// shortDir makes a temporary directory whose path leaves room for the name of a
// socket, which the kernel limits to 108 bytes.
func shortDir() (string, error) {
	parent := os.TempDir()
	if len(parent) > 60 {
		parent = "/tmp"
	}
	return os.MkdirTemp(parent, "tieline-")
}

// dirFor makes a short temporary directory that goes away with the test.
func dirFor(t testing.TB) string {
	t.Helper()
	dir, err := shortDir()
	if err != nil {
		t.Fatal("testserver:", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// tail returns the end of a server's log, for the message of a failed start.
func tail(dir string) string {
	b, _ := os.ReadFile(filepath.Join(dir, "log"))
	if len(b) > 2000 {
		b = b[len(b)-2000:]
	}
	return string(b)
}
