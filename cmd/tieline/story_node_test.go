package main_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tieline/tieline/pkg/testserver"
)

// scratch is where the program is built; TestMain removes it.
var scratch string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "tieline-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = dir
	flag.Parse()
	flag.VisitAll(func(f *flag.Flag) {
		// Stories wait more than they work: more of them than there are cores may.
		if f.Name == "test.parallel" && f.Value.String() == f.DefValue {
			f.Value.Set(strconv.Itoa(max(4, runtime.GOMAXPROCS(0))))
		}
	})
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// program builds the program when the first story asks for it, with the race
// detector if the tests have it, and returns its path.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "tieline")
	args := []string{"build", "-o", path}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// launcher starts a node; the stories about the language itself have one that
// starts no process.
type launcher struct {
	real  bool // there are servers behind the nodes
	start func(n *node) (process, error)
}

// process is a node that was started.
type process interface {
	Signal(sig os.Signal) error
	Done() <-chan struct{} // closed once it has ended
}

// node is one process of the program.
type node struct {
	s       *story
	id      string
	addr    string                  // host:port, the same after a restart
	log     string                  // file
	env     []string                // besides that of the story
	way     *testserver.ProxyServer // to Redis; nil: it goes there directly
	process process
	paused  bool
}

// URL is where the node listens.
func (n *node) URL() string { return "http://" + n.addr }

func (n *node) running() bool { return n.process != nil && !n.paused }

// Start starts the node again after Kill or Stop, on the same address.
func (n *node) Start() {
	n.s.t.Helper()
	n.launch()
	n.awaitReady()
}

func (n *node) launch() {
	n.s.t.Helper()
	var err error
	if n.addr == "" {
		n.addr, err = freeAddr()
	}
	if err == nil {
		n.process, err = n.s.o.launch.start(n)
	}
	if err != nil {
		n.s.t.Fatalf("%s does not start: %v", n.id, err)
	}
}

// awaitReady polls until the node is ready.
func (n *node) awaitReady() {
	n.s.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(startup)
	for {
		answer, err := get(n.URL() + "/readyz")
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-n.process.Done():
			n.s.t.Fatalf("%s ended instead of getting ready:\n%s", n.id, n.tail())
		case <-late:
			n.s.t.Fatalf("%s is not ready: %v %s\n%s", n.id, err, answer, n.tail())
		}
	}
}

// get returns the body of a page, and an error unless the answer is 200.
func get(url string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return string(body), err
}

// Kill ends the node with SIGKILL: nothing is said to anybody.
func (n *node) Kill() { n.s.t.Helper(); n.terminate(syscall.SIGKILL) }

// Stop asks the node to end and waits until it has handed its sockets over and
// is gone.
func (n *node) Stop() { n.s.t.Helper(); n.terminate(syscall.SIGTERM) }

func (n *node) terminate(sig os.Signal) {
	n.s.t.Helper()
	if n.process == nil {
		n.s.t.Fatalf("%s is not running", n.id)
	}
	n.process.Signal(sig)
	select {
	case <-n.process.Done():
	case <-time.After(startup):
		n.s.t.Fatalf("%s does not end on %v:\n%s", n.id, sig, n.tail())
	}
	n.process = nil
}

// Drain asks the node to end and does not wait; Gone does.
func (n *node) Drain() { n.process.Signal(syscall.SIGTERM) }

// Gone waits until a node that was asked to has ended.
func (n *node) Gone() { n.s.t.Helper(); n.terminate(syscall.Signal(0)) }

// Pause freezes the node: its sockets stay open, nothing moves.
func (n *node) Pause() { n.process.Signal(syscall.SIGSTOP); n.paused = true }

// Resume ends a Pause.
func (n *node) Resume() { n.process.Signal(syscall.SIGCONT); n.paused = false }

func (n *node) end() {
	if n.process != nil {
		n.process.Signal(syscall.SIGKILL)
		<-n.process.Done()
		n.process = nil
	}
}

// checkLog looks for what no node may ever write.
func (n *node) checkLog() {
	text, err := os.ReadFile(n.log)
	if err != nil {
		return // never started
	}
	for _, secret := range n.s.secret {
		if i := bytes.Index(text, []byte(secret)); i >= 0 {
			n.s.t.Errorf("%s wrote a credential to its log:\n%s", n.id, lineAround(text, i))
		}
	}
	for _, sign := range []string{"panic:", "WARNING: DATA RACE"} {
		if i := bytes.Index(text, []byte(sign)); i >= 0 {
			n.s.t.Errorf("%s: %s", n.id, text[i:min(len(text), i+4000)])
		}
	}
	if n.s.t.Failed() {
		n.s.t.Logf("the end of the log of %s:\n%s", n.id, n.tail())
	}
}

func lineAround(text []byte, i int) []byte {
	from := bytes.LastIndexByte(text[:i], '\n') + 1
	if to := bytes.IndexByte(text[i:], '\n'); to >= 0 {
		return text[from : i+to]
	}
	return text[from:]
}

// tail is the end of the node's log.
func (n *node) tail() string {
	text, _ := os.ReadFile(n.log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}

// storyProcess is a running program that is killed with the test binary.
type storyProcess struct {
	cmd  *exec.Cmd
	done chan struct{}
}

var launchProgram = launcher{real: true, start: func(n *node) (process, error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &storyProcess{cmd: exec.Command(path, "serve"), done: make(chan struct{})}
	if n.s.o.files > 0 {
		p.cmd = exec.Command("/bin/sh", "-c", fmt.Sprintf("ulimit -n %d && exec %s serve", n.s.o.files, path))
	}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = n.s.dir, log, log
	p.cmd.Env = append(append(slices.Clone(n.s.env), n.env...), "TIELINE_LISTEN="+n.addr, "TIELINE_NODE_ID="+n.id)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		defer close(p.done)
		runtime.LockOSThread() // Pdeathsig strikes when the thread that started it ends
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.cmd.Wait() // how it ended is in its log
		}
	}()
	return p, <-started
}}

func (p *storyProcess) Signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }
func (p *storyProcess) Done() <-chan struct{}      { return p.done }

// Tieline runs a command of the program beside the nodes, in their environment,
// and returns what it printed.
func (s *story) Tieline(input string, args ...string) string {
	s.t.Helper()
	path, err := program()
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startup)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var errors bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stderr = s.env, s.dir, strings.NewReader(input), &errors
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("tieline %s: %v\n%s", strings.Join(args, " "), err, errors.String())
	}
	return string(out)
}

// freeAddr is an address that was free a moment ago.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
