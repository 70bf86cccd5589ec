package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tieline/tieline/pkg/verify"
)

// exits runs the program beside the nodes and returns its exit code and what it
// printed.
func (s *story) exits(args ...string) (code int, out string) {
	s.t.Helper()
	path, err := program()
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*startup)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var printed bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = s.env, s.dir, &printed, &printed
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("tieline %s: %v\n%s", strings.Join(args, " "), err, printed.String())
	}
	return cmd.ProcessState.ExitCode(), printed.String()
}

// A healthy cluster keeps its promises; evidence in which a recipient was not
// shown a message does not pass, whoever looks at it.
func TestVerifyPassesAndCanFail(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.User("early").On("n1").Says(lobby, "good morning") // a lobby that has been used, as others are
	file := filepath.Join(s.dir, "evidence")
	code, out := s.exits("verify", s.Node("n1").URL(), s.Node("n2").URL(),
		"--duration", "5s", "--settle", "15s", "--people", "4", "--kicked", "1", "--rate", "6", "--evidence", file)
	if code != 0 || !strings.Contains(out, "PASS") {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	if code, out = s.exits("verify", "--replay", file); code != 0 || !strings.Contains(out, "PASS") {
		t.Fatalf("the same again: exit code %d\n%s", code, out)
	}
	forgets(t, file)
	if code, out = s.exits("verify", "--replay", file); code != 1 || !strings.Contains(out, string(verify.RuleUndelivered)) {
		t.Fatalf("with a message kept from somebody: exit code %d\n%s", code, out)
	}
}

// forgets takes out of the evidence that one device was shown one message, which
// somebody else had sent and was acknowledged.
func forgets(t *testing.T, file string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, err := verify.ReadHistory(f)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(h, func(e verify.Event) bool {
		return e.What == verify.Message && e.From != e.User && slices.ContainsFunc(h, func(ack verify.Event) bool {
			return ack.What == verify.Ack && ack.Conversation == e.Conversation && ack.Seq == e.Seq
		})
	})
	if i < 0 {
		t.Fatal("nobody was shown anything")
	}
	hidden := h[i]
	var left bytes.Buffer
	lines := json.NewEncoder(&left)
	for _, e := range h {
		if e.What != verify.Message || e.User != hidden.User || e.Device != hidden.Device || e.Conversation != hidden.Conversation || e.Seq != hidden.Seq {
			lines.Encode(e)
		}
	}
	if err := os.WriteFile(file, left.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Accounts may be given: then nobody signs in, and everything else is as ever.
func TestVerifyWithGivenAccounts(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.User("ann")
	s.User("ben").On("n2").Says(lobby, "good morning")
	users := filepath.Join(s.dir, "users")
	if err := os.WriteFile(users, []byte(s.Tieline("", "token", "ann", "ben", "ben")), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out := s.exits("verify", s.Node("n1").URL(), s.Node("n2").URL(), "--duration", "3s", "--users", users, "--json")
	var report verify.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 || !report.Pass || report.Counts.Devices != 3 || report.Counts.Received == 0 {
		t.Fatalf("exit code %d, %v\n%s", code, err, out)
	}
}

func TestVerifyRefusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	s := &story{t: t, dir: t.TempDir()}
	for _, args := range [][]string{{}, {"http://127.0.0.1:1", "--replay", "x"}, {"http://127.0.0.1:1", "--sessions", "both"}, {"--no-such-flag"}, {"http://127.0.0.1:1", "--duration", "x"}} {
		if code, out := s.exits(append([]string{"verify"}, args...)...); code != 2 {
			t.Errorf("verify %v: exit code %d\n%s", args, code, out)
		}
	}
	if code, out := s.exits("verify", "--replay", filepath.Join(s.dir, "none")); code != 1 {
		t.Errorf("no evidence: exit code %d\n%s", code, out)
	}
}
