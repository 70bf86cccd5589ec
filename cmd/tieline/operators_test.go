package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/client"
	"github.com/tieline/tieline/pkg/wire"
)

// ran is how a command of the program ended.
type ran struct {
	out, errors string
	code        int
}

// runs runs a command that may fail, with more settings, in a directory of the
// story's own.
func (s *story) runs(input string, settings []string, args ...string) ran {
	s.t.Helper()
	path, err := program()
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startup)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdin = append(slices.Clone(s.env), settings...), s.dir, strings.NewReader(input)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("tieline %q: %v", args, err)
	}
	if ctx.Err() != nil {
		s.t.Fatalf("tieline %q does not end:\n%s", args, errs.String())
	}
	return ran{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// oneLine says that a command failed with a code and one line on standard error
// that has a text in it.
func (r ran) oneLine(t *testing.T, code int, has string) {
	t.Helper()
	if r.code != code || strings.Count(r.errors, "\n") != 1 || !strings.HasPrefix(r.errors, "tieline: ") || !strings.Contains(r.errors, has) || r.out != "" {
		t.Errorf("ended with %d, %q and printed %q; want %d and one line with %q", r.code, r.errors, r.out, code, has)
	}
}

// S2.7, promise 6: what operators do to accounts acts at once on every node, and
// on no other account.
func TestOperatorsActAtOnce(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	alice, bob := s.User("alice"), s.User("bob")
	alice.On("n1")
	bob.On("n1")
	phone := bob.Device("phone", chat.IOS).On("n2")
	s.Tieline("", "user", "kick", "Bob") // names are the same in any case
	for _, d := range []*device{bob.device, phone} {
		d.Within(time.Second).IsKicked(chat.ByAdmin).ClosedWith(wire.CloseKicked)
		d.IsOut(chat.ByAdmin)
	}
	bob.SignsIn().On("n2") // and may come again
	phone.SignsIn()
	s.Tieline("", "user", "disable", "bob")
	bob.Within(time.Second).IsKicked(chat.Disabled).ClosedWith(wire.CloseDisabled)
	for _, d := range []*device{bob.device, phone} {
		for _, n := range s.nodes {
			d.Tries(n.id).IsTold(chat.AccountDisabled).ClosedWith(wire.CloseDisabled)
			n.Asks("GET", "/api/v1/me", d.grant.AccessToken, "").is(s, 403, chat.AccountDisabled)
		}
		d.IsRefused(chat.AccountDisabled, "", func(ctx context.Context, a *client.API) error {
			_, err := a.Refresh(ctx, d.grant.RefreshToken)
			return err
		})
	}
	bob.mayNotSignIn(chat.AccountDisabled)
	bob.password, alice.password = alice.password, bob.password
	bob.mayNotSignIn(chat.BadCredentials) // who does not know the password learns nothing
	bob.password, alice.password = alice.password, bob.password
	alice.Says(bob, "for when you are back")
	s.Tieline("", "user", "enable", "bob")
	bob.IsRefused(chat.SessionEnded, chat.Disabled, func(ctx context.Context, a *client.API) error { _, err := a.Me(ctx); return err })
	bob.SignsIn().On("n1").Hears("for when you are back")
	alice.StaysOn()
	for _, verb := range []string{"kick", "disable", "enable"} {
		s.runs("", nil, "user", verb, "nobody").oneLine(t, 1, "nobody")
	}
	for _, args := range [][]string{{"user"}, {"user", "hug", "bob"}, {"user", "kick"}, {"user", "kick", "a", "b"}, {"user", "kick", "bob", "--hard"}, {"hug"}, {"code"}, {"code", "create"}, {"migrate", "up"}, {"serve", "now"}} {
		if r := s.runs("", nil, args...); r.code != 2 || r.errors == "" {
			t.Errorf("tieline %q: %+v", args, r)
		}
	}
}

func (d *device) mayNotSignIn(code chat.Kind) {
	d.s.t.Helper()
	d.IsRefused(code, "", func(ctx context.Context, a *client.API) error {
		_, err := a.Login(ctx, d.user.name, d.user.password, nil)
		return err
	})
}

// S0.2, S3.6, S4.1: accounts that operators add, with the password from standard
// input, and accounts that move in.
func TestAccountsThatOperatorsMake(t *testing.T) {
	t.Parallel()
	s := newStory(t, nodes(1), setting("TIELINE_REGISTRATION", "closed"))
	n := s.Node("n1")
	n.Asks("POST", "/api/v1/auth/register", "", `{"username":"eve","password":"the password of eve"}`).is(s, 403, chat.Forbidden)
	s.keepSecret("the password of root", "the password of carol", "the password of dave")
	s.Tieline("the password of root\n", "user", "add", "root", "--admin", "--email", "root@example.org", "--phone", "+49 30 123456", "--vip-days", "2")
	for _, login := range []string{"root", "ROOT", "Root@Example.org", "+4930123456"} {
		me, err := n.api("").Login(t.Context(), login, "the password of root", nil)
		if err != nil || !me.User.Admin || me.User.VIPUntil == nil || time.Until(me.User.VIPUntil.Time).Round(time.Hour) != 48*time.Hour {
			t.Fatalf("%s logs in as %+v, %v", login, me.User, err)
		}
		s.keepSecret(me.AccessToken, me.RefreshToken)
	}
	s.runs("the password of root", nil, "user", "add", "ROOT").oneLine(t, 1, "taken")
	s.runs("short", nil, "user", "add", "frank").oneLine(t, 1, "password")
	bcrypted, err := bcrypt.GenerateFromPassword([]byte("the password of carol"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	lines := fmt.Sprintf(`{"username":"carol","nickname":"Carol","password_hash":%q}
{"username":"dave","password":"the password of dave","email":"dave@example.org"}
{"username":"root","password":"the password of root"}
{"username":"x"
{"username":"nopass"}
{"username":"weak","password_hash":"md5:d41d8cd98f00b204e9800998ecf8427e"}
`, bcrypted)
	out := strings.Split(strings.TrimSpace(s.Tieline(lines, "user", "import", "-")), "\n")
	want := []string{`"carol"`, `"dave"`, `"error"`, `"error"`, `"nopass"`, `"error"`}
	if len(out) != len(want) {
		t.Fatalf("imported: %q", out)
	}
	for i, line := range out {
		if !json.Valid([]byte(line)) || !strings.Contains(line, want[i]) || strings.Contains(line, `"error"`) != (want[i] == `"error"`) {
			t.Errorf("line %d became %s, want %s", i+1, line, want[i])
		}
	}
	for _, name := range []string{"carol", "dave"} {
		for range 2 { // the first log-in may make the hash a better one
			if _, err := n.api("").Login(t.Context(), name, "the password of "+name, nil); err != nil {
				t.Errorf("%s, who moved in: %v", name, err)
			}
		}
	}
	if _, err := n.api("").Login(t.Context(), "nopass", "", nil); chat.KindOf(err) != chat.Invalid {
		t.Errorf("without any password: %v", err)
	}
	if _, err := n.api("").Login(t.Context(), "nopass", "nopass", nil); chat.KindOf(err) != chat.BadCredentials {
		t.Errorf("who has no password: %v", err)
	}
}

// Section 1: tokens for bots are devices like any other.
func TestTokensForBots(t *testing.T) {
	t.Parallel()
	s := newStory(t, nodes(1), policy(chat.PerPlatform))
	alice, bob, n := s.User("alice"), s.User("bob"), s.Node("n1")
	alice.On("n1")
	bob.On("n1")
	out := json.NewDecoder(strings.NewReader(s.Tieline("alice\n\n bob \nalice\n", "token", "--platform", "ios", "--ttl", "90s")))
	var got []struct {
		Username, User, Device string
		AccessToken            string    `json:"access_token"`
		ExpiresAt              time.Time `json:"expires_at"`
	}
	for out.More() {
		got = append(got, struct {
			Username, User, Device string
			AccessToken            string    `json:"access_token"`
			ExpiresAt              time.Time `json:"expires_at"`
		}{})
		if err := out.Decode(&got[len(got)-1]); err != nil {
			t.Fatal(err)
		}
		s.keepSecret(got[len(got)-1].AccessToken)
	}
	if len(got) != 3 || got[1].User != string(bob.ID) || got[2].User != string(alice.ID) {
		t.Fatalf("the tokens are %+v", got)
	}
	for i, g := range got[1:] {
		u := []*User{bob, alice}[i]
		d := u.place(s, chat.DeviceID(g.Device), chat.IOS)
		d.grant.AccessToken = g.AccessToken
		n.Knock().Header("Authorization", "Bearer "+g.AccessToken).Opens(d, "")
		if left := time.Until(g.ExpiresAt); left > 91*time.Second || left < time.Minute {
			t.Errorf("%s expires in %v", g.Username, left)
		}
	}
	n.Knock().Header("Authorization", "Bearer "+got[0].AccessToken).dialKicked(chat.SignedInElsewhere)
	alice.StaysOn()
	r := s.runs("", nil, "token", "alice", "nobody")
	if r.code != 1 || strings.Count(r.out, "\n") != 1 || !strings.Contains(r.errors, "nobody") {
		t.Errorf("for alice and nobody: %+v", r)
	}
	s.runs("", nil, "token", "--platform", "toaster", "alice").oneLine(t, 1, "platform")
}

// dialKicked expects to be told of a reason, and closed.
func (k *knock) dialKicked(reason chat.Reason) {
	k.n.s.t.Helper()
	conn := k.dial()
	defer conn.Close()
	if f, text, err := first(conn); err != nil || f.Type != wire.Kicked || f.Reason != reason {
		k.n.s.t.Fatalf("%v %s, want to be kicked: %s", err, text, reason)
	}
}

// S3.6, S4.1: where an invitation is needed, each works once, however many try
// it at the same time, in any case and with or without dashes.
func TestInvitations(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_REGISTRATION", "invite"))
	codes := strings.Fields(s.Tieline("", "code", "create", "--kind", "invite", "--count", "3"))
	vip := strings.TrimSpace(s.Tieline("", "code", "create", "--kind", "vip", "--vip-days", "30"))
	expired := strings.TrimSpace(s.Tieline("", "code", "create", "--kind", "invite", "--ttl", "1ns"))
	s.keepSecret(append(codes, vip, expired)...)
	if len(codes) != 3 || codes[0] == codes[1] || codes[1] == codes[2] {
		t.Fatalf("the codes are %q", codes)
	}
	register := func(n *node, name, code string) answer {
		return n.Asks("POST", "/api/v1/auth/register", "", fmt.Sprintf(`{"username":%q,"password":"the password of %[1]s","invite_code":%q}`, name, code))
	}
	for _, wrong := range []string{"", "x", vip, expired, codes[0] + "0", strings.Repeat("0", 25), "😀"} {
		register(s.Node("n1"), "mallory", wrong).is(s, 422, chat.CodeInvalid)
	}
	var in, out atomic.Int32
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			switch a := register(s.nodes[i%2], fmt.Sprint("guest", i), codes[0]); {
			case a.Status == 201:
				in.Add(1)
			case a.Status == 422 && a.Code == chat.CodeInvalid:
				out.Add(1)
			default:
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
	all.Wait()
	if in.Load() != 1 || out.Load() != 5 {
		t.Errorf("one invitation let %d in", in.Load())
	}
	if a := register(s.Node("n2"), "typist", strings.ToLower(strings.ReplaceAll(codes[1], "-", " "))); a.Status != 201 {
		t.Errorf("as one types it: %d %s", a.Status, a.Body)
	}
	register(s.Node("n2"), "typist", codes[2]).is(s, 409, chat.UsernameTaken)
	if a := register(s.Node("n1"), "late", codes[2]); a.Status != 201 {
		t.Errorf("an invitation was used up by a sign-up that was refused: %d %s", a.Status, a.Body)
	}
	s.runs("", nil, "code", "create", "--kind", "gold").oneLine(t, 1, "kind")
	s.runs("", nil, "code", "create", "--kind", "vip").oneLine(t, 1, "vip_days")
	s.runs("", nil, "code", "create", "--kind", "invite", "--count", "x").oneLine(t, 2, "count")
}

// Section 1: the live nodes, as operators see them; a killed one goes within 15 s.
func TestTheLiveNodes(t *testing.T) {
	t.Parallel()
	s := newStory(t, setting("TIELINE_DRAIN", "1s"))
	alice := s.User("alice")
	alice.On("n1")
	rows := func() map[string][]string {
		found := map[string][]string{}
		for _, line := range strings.Split(strings.TrimSpace(s.Tieline("", "nodes")), "\n") {
			f := strings.Fields(line)
			found[f[0]] = f
		}
		return found
	}
	alice.eventually("both nodes are listed, with what they hold", func() bool {
		r := rows()
		return len(r) == 3 && len(r["n1"]) == 6 && r["n1"][1] == s.Node("n1").addr && r["n1"][2] == "1" && r["n1"][3] == "1" &&
			r["n2"] != nil && r["n2"][2] == "0" && r["n2"][5] == "false"
	})
	s.Tieline("the password of root", "user", "add", "root", "--admin")
	g, err := s.api("").Login(t.Context(), "root", "the password of root", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.keepSecret(g.AccessToken)
	var list struct {
		Items []struct {
			ID, Address           string
			Connections, Sessions int
			Since                 time.Time
			Draining              bool
		}
	}
	alice.eventually("n2 lists both, too", func() bool {
		s.Node("n2").Asks("GET", "/api/v1/admin/nodes", g.AccessToken, "").into(s, &list)
		return len(list.Items) == 2
	})
	s.Node("n2").Asks("GET", "/api/v1/admin/nodes", alice.grant.AccessToken, "").is(s, 403, chat.Forbidden)
	s.Node("n2").Kill()
	alice.Within(15*time.Second).eventually("the killed node is gone", func() bool { return rows()["n2"] == nil })
	s.Node("n1").Stop()
	if out := rows(); len(out) != 1 {
		t.Errorf("nodes that left are listed: %v", out)
	}
}

// Section 1: what is wrong with the settings is said in one line, with exit code
// 2, and no secret is in it.
func TestWrongSettingsStopTheProgram(t *testing.T) {
	t.Parallel()
	s := newStory(t, nodes(0))
	const secret = "hunter2hunter2"
	for setting, has := range map[string]string{
		"TIELINE_LISEN=:8080":                                "TIELINE_LISEN",
		"TIELINE_LISTEN=8080":                                "TIELINE_LISTEN",
		"TIELINE_REDIS_URL=http://:" + secret + "@h":         "TIELINE_REDIS_URL",
		"TIELINE_DATABASE_URL=postgres://u:" + secret + "@h": "TIELINE_DATABASE_URL",
		"TIELINE_TOKEN_KEY=" + secret:                        "TIELINE_TOKEN_KEY",
		"TIELINE_TOKEN_KEY=":                                 "TIELINE_TOKEN_KEY",
		"TIELINE_SESSIONS=many":                              "TIELINE_SESSIONS",
		"TIELINE_MAX_DEVICES=0":                              "TIELINE_MAX_DEVICES",
		"TIELINE_ACCESS_TTL=1day":                            "TIELINE_ACCESS_TTL",
		"TIELINE_REGISTRATION=friends":                       "TIELINE_REGISTRATION",
		"TIELINE_LOG=loud":                                   "TIELINE_LOG",
	} {
		for _, command := range [][]string{nil, {"serve"}} {
			r := s.runs("", []string{setting}, command...)
			r.oneLine(t, 2, has)
			if strings.Contains(r.errors, secret) {
				t.Errorf("%s is shown: %s", setting, r.errors)
			}
		}
	}
	s.runs("", nil, "serve", "--drain").oneLine(t, 2, "--drain")
	s.runs("", nil, "--no-such-flag").oneLine(t, 2, "--no-such-flag")
	if r := s.runs("", nil, "serve", "--help"); r.code != 0 || !strings.Contains(r.out, "TIELINE_QUEUE_FANOUT") || r.errors != "" {
		t.Errorf("help: %+v", r)
	}
	if r := s.runs("", nil, "version"); r.code != 0 || !strings.HasPrefix(r.out, "tieline ") {
		t.Errorf("version: %+v", r)
	}
}

// Section 1: migrations from several places at once, on either database; serve
// then finds all done.
func TestMigratingFromSeveralPlaces(t *testing.T) {
	t.Parallel()
	s := newStory(t, nodes(0))
	for _, database := range []string{"", "TIELINE_DATABASE_URL=sqlite://" + filepath.Join(s.dir, "some.db")} {
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if r := s.runs("", []string{database}[:min(1, len(database))], "migrate"); r.code != 0 {
					t.Errorf("migrate ended with %d:\n%s", r.code, r.errors)
				}
			})
		}
		all.Wait()
		if r := s.runs("the password of alice", append([]string{database}[:min(1, len(database))], "TIELINE_MIGRATE=off"), "user", "add", "alice"); r.code != 0 {
			t.Errorf("after the migrations: %+v", r)
		}
	}
	s.keepSecret("the password of alice")
	s.env = append(s.env, "TIELINE_MIGRATE=off")
	n := &node{s: s, id: "n1", log: filepath.Join(s.dir, "n1.log")}
	s.nodes = append(s.nodes, n)
	n.Start()
	if _, err := n.api("").Login(t.Context(), "alice", "the password of alice", nil); err != nil {
		t.Error(err)
	}
}
