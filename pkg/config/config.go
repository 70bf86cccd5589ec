// Package config declares every setting once: its name, default and sentence.
// The loader, the help text, the table of the README and the check of the
// manifests in k8s all read the tags of one struct.
package config

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/tieline/tieline/pkg/chat"
)

// Config is every setting of a node. The tags of a field are:
//
//	env      the environment variable; the flag has the same name (--redis-url)
//	default  what an absent or empty value stands for
//	empty    what happens without a value, where there is no default
//	doc      one sentence for the operator
//	form     what the text must look like (see forms)
//	oneof    the only values allowed
//	min      the smallest number or duration allowed
type Config struct {
	Listen        string         `env:"TIELINE_LISTEN" default:"127.0.0.1:8080" form:"listen" doc:"Address of HTTP and WebSocket."`
	RedisURL      Secret         `env:"TIELINE_REDIS_URL" empty:"embedded" form:"redis" doc:"Redis: redis://, rediss://, redis-sentinel://host:port,host:port/0?master=NAME or redis-cluster://host:port,host:port."`
	DatabaseURL   Secret         `env:"TIELINE_DATABASE_URL" empty:"embedded, SQLite in the data directory" form:"database" doc:"Database: mysql://user:pass@host:3306/name (MySQL 8, MariaDB 10.6 or later) or sqlite:///path."`
	DataDir       string         `env:"TIELINE_DATA_DIR" default:"./data" doc:"Where the embedded database, the uploads and generated keys live."`
	TokenKey      Secret         `env:"TIELINE_TOKEN_KEY" empty:"generated into the data directory when embedded" form:"key" doc:"Secret that signs the access tokens (HS256), 32 bytes or more; required with a Redis or a MySQL of your own, the same on every node."`
	NodeID        chat.NodeID    `env:"TIELINE_NODE_ID" empty:"host name and a random part" form:"node" doc:"Name of this node."`
	Sessions      chat.Policy    `env:"TIELINE_SESSIONS" default:"multi" oneof:"multi,per_platform,single" doc:"Who stays when a person signs in again: multi (TIELINE_MAX_DEVICES devices, the oldest is displaced), per_platform (one device a platform) or single (one device)."`
	MaxDevices    int            `env:"TIELINE_MAX_DEVICES" default:"10" min:"1" doc:"Devices a person may be signed in on under TIELINE_SESSIONS=multi."`
	Migrate       bool           `env:"TIELINE_MIGRATE" default:"on" oneof:"on,off" doc:"Whether serve brings the database up to date first: on or off."`
	AccessTTL     time.Duration  `env:"TIELINE_ACCESS_TTL" default:"1h" min:"1s" doc:"Lifetime of access tokens."`
	RefreshTTL    time.Duration  `env:"TIELINE_REFRESH_TTL" default:"720h" min:"1s" doc:"Lifetime of refresh tokens."`
	Direct        string         `env:"TIELINE_DIRECT" default:"everyone" oneof:"everyone,friends" doc:"Who may write to, or signal, a person: everyone not blocked, or friends only."`
	RoomCreation  string         `env:"TIELINE_ROOM_CREATION" default:"vip" oneof:"vip,everyone" doc:"Who may create a room: vip or everyone."`
	Registration  string         `env:"TIELINE_REGISTRATION" default:"open" oneof:"open,email,invite,closed" doc:"How people sign up: open, email (with a code sent by e-mail), invite (with an invitation code) or closed."`
	SMTPURL       Secret         `env:"TIELINE_SMTP_URL" empty:"codes are written to the log" form:"smtp" doc:"Mail server: smtp://user:pass@host:port?from=ADDRESS or smtps://."`
	MediaURL      Secret         `env:"TIELINE_MEDIA_URL" empty:"files in the data directory" form:"media" doc:"Where uploads are kept: file:///path or s3://bucket?endpoint=URL&region=NAME; several nodes need one store that all of them see."`
	Origins       []string       `env:"TIELINE_ORIGINS" empty:"same origin" doc:"Browser origins allowed besides our own, comma separated, as in https://chat.example.org."`
	Proxies       []netip.Prefix `env:"TIELINE_TRUSTED_PROXIES" empty:"nobody" doc:"Networks, comma separated, whose X-Real-IP, or rightmost untrusted address of X-Forwarded-For, is believed."`
	QueueFanout   int            `env:"TIELINE_QUEUE_FANOUT" default:"200" min:"0" doc:"Rooms up to this many members use the members' own queues, larger ones the room's log."`
	QueueLength   int            `env:"TIELINE_QUEUE_LENGTH" default:"2000" min:"1" doc:"Most messages kept in a person's queue in Redis."`
	QueueAge      time.Duration  `env:"TIELINE_QUEUE_AGE" default:"168h" min:"1s" doc:"How long a person's queue in Redis keeps a message."`
	LimitSends    int            `env:"TIELINE_LIMIT_SENDS" default:"20" min:"0" doc:"Messages a person may send a second, twice as many in a burst; 0 is no limit."`
	LimitSignals  int            `env:"TIELINE_LIMIT_SIGNALS" default:"50" min:"0" doc:"Signals a person may send a second, twice as many in a burst; 0 is no limit."`
	LimitRequests int            `env:"TIELINE_LIMIT_REQUESTS" default:"50" min:"0" doc:"HTTP requests a person may make a second, twice as many in a burst; 0 is no limit."`
	LimitConnects int            `env:"TIELINE_LIMIT_CONNECTS" default:"50" min:"0" doc:"Connects an address may make a second, twice as many in a burst; 0 is no limit."`
	LimitLogins   int            `env:"TIELINE_LIMIT_LOGINS" default:"5" min:"0" doc:"Log-ins, sign-ups and codes an address may ask for a second, twice as many in a burst; 0 is no limit, nor one of wrong passwords for a name (20, then one each half minute)."`
	OfflineGrace  time.Duration  `env:"TIELINE_OFFLINE_GRACE" default:"5s" min:"0s" doc:"How long a closed socket may take to come back before its person is shown offline."`
	WebhookURL    Secret         `env:"TIELINE_WEBHOOK_URL" empty:"no webhooks" form:"http" doc:"Where signed events are posted: message.offline, user.registered, report.created, presence.changed."`
	WebhookSecret Secret         `env:"TIELINE_WEBHOOK_SECRET" empty:"none" doc:"Secret of the HMAC-SHA256 in Tieline-Signature; required with TIELINE_WEBHOOK_URL."`
	Drain         time.Duration  `env:"TIELINE_DRAIN" default:"20s" min:"0s" doc:"How long a node takes to hand its sockets over on SIGTERM."`
	Log           string         `env:"TIELINE_LOG" empty:"text on a terminal, else json" oneof:"text,json" doc:"Format of the log: text or json."`
	LogLevel      slog.Level     `env:"TIELINE_LOG_LEVEL" default:"info" oneof:"debug,info,warn,error" doc:"Least level that is logged: debug, info, warn or error."`
}

// Secret is a value that may hold a password. However it is printed or logged,
// nothing of it is shown; string(s) is the value.
type Secret string

const hidden = "(hidden)"

// String returns a placeholder, and nothing for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString is String for %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText is String for JSON and slog.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// OwnServers reports whether a Redis or a MySQL outside this process is set, so
// that the node may be one of several.
func (c *Config) OwnServers() bool {
	return c.RedisURL != "" || isMySQL(string(c.DatabaseURL))
}

// CheckKey returns an *Error when the token key is missing although the node
// may be one of several, which must share one. Only commands that read or issue
// tokens need it: migrate, say, runs without.
func (c *Config) CheckKey() error {
	if c.TokenKey == "" && c.OwnServers() {
		return &Error{Setting: "TIELINE_TOKEN_KEY", Problem: "missing",
			Want: forms["key"].want + " with a Redis or a MySQL of your own, the same on every node"}
	}
	return nil
}
