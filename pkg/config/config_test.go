package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
)

const password = "hunter2"

func TestDefaults(t *testing.T) {
	c, rest, err := Load(nil, nil, []string{"HOME=/root", "TIELINE_TEST_REDIS_URL=whatever", "TIELINE_DRAIN="})
	if err != nil || len(rest) != 0 {
		t.Fatal(rest, err)
	}
	switch {
	case c.Listen != "127.0.0.1:8080", c.Drain != 20*time.Second, c.Sessions != "multi", c.MaxDevices != 10,
		!c.Migrate, c.RefreshTTL != 720*time.Hour, c.QueueFanout != 200, c.LimitLogins != 5,
		c.LogLevel != slog.LevelInfo, c.Log != "", c.RedisURL != "", c.Origins != nil:
		t.Errorf("not the defaults: %+v", c)
	}
	if !isNode(string(c.NodeID)) || c.NodeID == "" {
		t.Errorf("the node is called %q", c.NodeID)
	}
	if again, _, _ := Load(nil, nil, nil); again.NodeID == c.NodeID {
		t.Error("two nodes of one host have the same name")
	}
}

func TestFlagsWinOverTheEnvironment(t *testing.T) {
	flags := flag.NewFlagSet("user add", 0)
	admin := flags.Bool("admin", false, "")
	c, rest, err := Load(flags,
		[]string{"add", "alice", "--drain", "5s", "--admin", "-redis-url=redis://b", "--migrate=off", "--", "--no-flag"},
		[]string{"TIELINE_DRAIN=7s", "TIELINE_REDIS_URL=redis://a", "TIELINE_LOG_LEVEL=debug", "TIELINE_TRUSTED_PROXIES=10.1.2.3/8, ::1"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Drain != 5*time.Second || c.RedisURL != "redis://b" || c.Migrate || c.LogLevel != slog.LevelDebug || !*admin {
		t.Errorf("admin %v, %+v", *admin, c)
	}
	if got := fmt.Sprint(c.Proxies); got != "[10.0.0.0/8 ::1/128]" {
		t.Errorf("proxies %s", got)
	}
	if want := []string{"add", "alice", "--no-flag"}; !reflect.DeepEqual(rest, want) {
		t.Errorf("arguments %q, want %q", rest, want)
	}
}

func TestWhatIsAcceptedAndRefused(t *testing.T) {
	for name, values := range map[string]struct{ good, bad []string }{
		"LISTEN":          {[]string{":0", "0.0.0.0:8080", "[::1]:80", "localhost:1"}, []string{"8080", "host", "h:http", ":65536"}},
		"REDIS_URL":       {[]string{"redis://h", "redis://u:p%40@h:1/2", "rediss://h:6380", "redis-sentinel://a:1,b:2,c:3/0?master=m", "redis-cluster://:p@a:1,b:2"}, []string{"h:6379", "http://h", "redis://", "redis://a:1,b:2", "redis-sentinel://a:1/0", "redis://u:p%zz@h"}},
		"DATABASE_URL":    {[]string{"mysql://u:p@h:3306/db?x=y", "sqlite:///tmp/x.db"}, []string{"mysql://h", "mysql:///db", "sqlite://x", "sqlite:", "postgres://h/db", "u@tcp(h)/db"}},
		"TOKEN_KEY":       {[]string{strings.Repeat("k", 32)}, []string{strings.Repeat("k", 31)}},
		"NODE_ID":         {[]string{"a-1.b_2"}, []string{"a b", "a/b", "é", strings.Repeat("n", 65)}},
		"SESSIONS":        {[]string{"single", "per_platform"}, []string{"Multi", "none"}},
		"MAX_DEVICES":     {[]string{"1"}, []string{"0", "-1", "ten", "1.5", "99999999999999999999"}},
		"MIGRATE":         {[]string{"on", "off"}, []string{"true", "no"}},
		"ACCESS_TTL":      {[]string{"1s", "1h30m"}, []string{"0s", "3600", "-1h", "1d"}},
		"OFFLINE_GRACE":   {[]string{"0s", "0"}, []string{"-1s", "5"}},
		"SMTP_URL":        {[]string{"smtp://h", "smtps://u:p@h:465?from=a@b.c"}, []string{"h:25", "smtp:///x", "smtp://h?from=nobody"}},
		"MEDIA_URL":       {[]string{"file:///srv/media", "s3://b?endpoint=http://h:1&region=r"}, []string{"/srv/media", "file://srv", "s3:///b"}},
		"ORIGINS":         {[]string{"https://a.b", "http://a:1, https://c/"}, []string{"a.b", "*", "https://a.b/x", "https://a.b,", "//a"}},
		"TRUSTED_PROXIES": {[]string{"10.0.0.0/8", "127.0.0.1,fd00::/8"}, []string{"10.0.0.0/33", "proxy", "10.0.0.1,"}},
		"LIMIT_SENDS":     {[]string{"0", "1000"}, []string{"-1", "many"}},
		"LOG":             {[]string{"json"}, []string{"xml"}},
		"LOG_LEVEL":       {[]string{"warn"}, []string{"INFO", "warning", "0"}},
	} {
		for _, v := range values.good {
			if _, _, err := Load(nil, nil, []string{"TIELINE_" + name + "=" + v}); err != nil {
				t.Errorf("%s=%s: %v", name, v, err)
			}
		}
		for _, v := range values.bad {
			_, _, err := Load(nil, nil, []string{"TIELINE_" + name + "=" + v})
			if !isOneLine(err) || !strings.HasPrefix(err.Error(), "TIELINE_"+name+": ") {
				t.Errorf("%s=%s: %v, want one line that begins with the name", name, v, err)
			}
		}
	}
}

func TestMistakesAreToldInOneLine(t *testing.T) {
	for _, c := range []struct {
		args, environ []string
		says          string
	}{
		{nil, []string{"TIELINE_REDISURL=x"}, "TIELINE_REDISURL: unknown: "},
		{nil, []string{"TIELINE_PORT_8080_TCP=tcp://10.0.0.1:8080"}, "enableServiceLinks: false"},
		{[]string{"--redis", "x"}, nil, "--redis: unknown: "},
		{[]string{"--drain"}, nil, "--drain: missing: "},
		{[]string{"--drain=20"}, nil, `--drain: "20": expected a duration`},
		{[]string{"--ttl", "x\ny"}, nil, "-ttl"},
		{nil, []string{"TIELINE_WEBHOOK_URL=https://h/hook"}, "TIELINE_WEBHOOK_SECRET: missing"},
	} {
		flags := flag.NewFlagSet("token", 0)
		flags.Duration("ttl", 0, "")
		_, _, err := Load(flags, c.args, c.environ)
		if !isOneLine(err) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q %q: %v, want one line with %q", c.args, c.environ, err, c.says)
		}
	}
	if _, _, err := Load(nil, []string{"--help"}, []string{"TIELINE_TYPO=x"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help, after a mistake: %v", err)
	}
}

func isOneLine(err error) bool {
	var e *Error
	return errors.As(err, &e) && !strings.Contains(e.Error(), "\n")
}

func TestKeyIsNeededWithServersOfOnesOwn(t *testing.T) {
	for _, c := range []struct {
		environ []string
		ok      bool
	}{
		{nil, true},
		{[]string{"TIELINE_DATABASE_URL=sqlite:///x"}, true},
		{[]string{"TIELINE_DATABASE_URL=mysql://h/x"}, false},
		{[]string{"TIELINE_REDIS_URL=redis://h"}, false},
		{[]string{"TIELINE_REDIS_URL=redis://h", "TIELINE_TOKEN_KEY=" + strings.Repeat("k", 32)}, true},
	} {
		cfg, _, err := Load(nil, nil, c.environ)
		if err != nil {
			t.Fatal(err)
		}
		if err := cfg.CheckKey(); (err == nil) != c.ok || err != nil && !isOneLine(err) {
			t.Errorf("%q: %v", c.environ, err)
		}
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	for _, f := range settings() {
		if !f.secret() {
			continue
		}
		_, _, err := Load(nil, []string{"--" + f.flag(), "x://" + password + "@:%zz"}, nil)
		if err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("%s: %v", f.env, err)
		}
	}
	c := Config{RedisURL: "redis://:" + password + "@h", TokenKey: password}
	var logged bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(h).Info("starting", "config", c, "redis", c.RedisURL)
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown := logged.String() + string(asJSON) + fmt.Sprintf("%v %+v %#v %s %q", c, &c, c, c.TokenKey, c.TokenKey)
	if strings.Contains(shown, password) {
		t.Errorf("shown: %s", shown)
	}
	if !strings.Contains(shown, hidden) || fmt.Sprint(Secret("")) != "" {
		t.Error("one cannot tell a secret that is set from one that is not")
	}
}

func TestEverySettingIsDeclaredInFull(t *testing.T) {
	usage, table := Usage(), Table()
	for i, f := range settings() {
		if !strings.HasPrefix(f.env, "TIELINE_") || !strings.HasSuffix(f.doc, ".") || strings.Contains(f.doc, "|") {
			t.Errorf("%s: its sentence is %q", f.env, f.doc)
		}
		if (f.value == "") == (f.empty == "") {
			t.Errorf("%s: it wants a default or a word on what happens without, one of the two", f.env)
		}
		if f.form != "" && forms[f.form].ok == nil {
			t.Errorf("%s: form %q is not known", f.env, f.form)
		}
		if f.value != "" {
			if want := f.set(reflect.ValueOf(new(Config)).Elem().Field(i), f.value); want != "" {
				t.Errorf("%s: its own default is refused: %s", f.env, want)
			}
		}
		if !strings.Contains(usage, "--"+f.flag()+", "+f.env+" (") || !strings.Contains(table, "| `"+f.env+"` | ") {
			t.Errorf("%s: not in the usage or not in the table", f.env)
		}
	}
}
