package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/tieline/tieline/pkg/account"
	"github.com/tieline/tieline/pkg/chat"
	"github.com/tieline/tieline/pkg/config"
	"github.com/tieline/tieline/pkg/hook"
	"github.com/tieline/tieline/pkg/media"
	"github.com/tieline/tieline/pkg/messaging"
	"github.com/tieline/tieline/pkg/store"
	"github.com/tieline/tieline/realtime"
	"github.com/tieline/tieline/realtime/cluster"
)

func newLog(cfg *config.Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.Log == "text" || cfg.Log == "" && isTerminal(os.Stderr) {
		return slog.New(slog.NewTextHandler(os.Stderr, options))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, options))
}

// isTerminal reports whether somebody sits at the other end of a file.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// openStore opens the database named, or the one in the data directory.
func openStore(ctx context.Context, cfg *config.Config, log *slog.Logger) (*store.DB, error) {
	url := string(cfg.DatabaseURL)
	if url == "" {
		dir, err := filepath.Abs(cfg.DataDir)
		if err != nil {
			return nil, err
		}
		url = "sqlite://" + filepath.Join(dir, "tieline.db")
	}
	return store.Open(ctx, url, store.Options{Hooks: cfg.WebhookURL != "", Log: log})
}

// openMedia returns the store of uploads: the one named, or a folder in the data
// directory.
func openMedia(cfg *config.Config, log *slog.Logger) media.Store {
	if cfg.MediaURL == "" {
		return media.Folder(filepath.Join(cfg.DataDir, "media"))
	}
	u, err := url.Parse(string(cfg.MediaURL))
	if err != nil || u.Scheme != "file" {
		log.Warn("uploads will be refused as unavailable: of TIELINE_MEDIA_URL only file:// is built yet")
		return media.Absent{}
	}
	return media.Folder(filepath.FromSlash(u.Path))
}

func clusterOptions(cfg *config.Config, db *store.DB, log *slog.Logger, boot string) cluster.Options {
	return cluster.Options{
		Node: cfg.NodeID, Boot: boot, QueueLength: int64(cfg.QueueLength), QueueAge: cfg.QueueAge,
		Grace: cfg.OfflineGrace, Ledger: store.NewLedger(db), Log: log, Absences: cfg.WebhookURL != "",
	}
}

func accountOptions(cfg *config.Config, key []byte, log *slog.Logger) account.Options {
	return account.Options{
		Key: key, AccessTTL: cfg.AccessTTL, RefreshTTL: cfg.RefreshTTL, Policy: cfg.Sessions,
		MaxDevices: cfg.MaxDevices, Registration: cfg.Registration, Log: log,
	}
}

func hookOptions(cfg *config.Config, boot string, log *slog.Logger, observe hook.Observer) hook.Options {
	return hook.Options{URL: string(cfg.WebhookURL), Secret: string(cfg.WebhookSecret), Holder: boot, Log: log, Observe: observe}
}

// absences is who is told of those who miss a message: nobody without an address
// to post to.
func absences(cfg *config.Config, hooks *store.Hooks) messaging.Absences {
	if cfg.WebhookURL == "" {
		return nil
	}
	return hooks
}

// changes is who is told of those who come and go: nobody without an address to
// post to.
func changes(cfg *config.Config, hooks *store.Hooks) realtime.Changes {
	if cfg.WebhookURL == "" {
		return nil
	}
	return hooks
}

func rates(cfg *config.Config) map[chat.Operation]int {
	return map[chat.Operation]int{
		chat.Sends: cfg.LimitSends, chat.Signals: cfg.LimitSignals, chat.Requests: cfg.LimitRequests,
		chat.Connects: cfg.LimitConnects, chat.Logins: cfg.LimitLogins,
	}
}

// tokenKey returns the key of the access tokens: the one set, or one that is
// made once and kept in the data directory.
func tokenKey(cfg *config.Config) ([]byte, error) {
	if cfg.TokenKey != "" || cfg.OwnServers() {
		return []byte(cfg.TokenKey), nil
	}
	path := filepath.Join(cfg.DataDir, "token.key")
	if key, err := os.ReadFile(path); err == nil && len(key) >= 32 {
		return key, nil
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var secret [32]byte
	rand.Read(secret[:]) // never fails (crypto/rand)
	key := []byte(hex.EncodeToString(secret[:]))
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, err
	}
	return key, os.WriteFile(path, key, 0o600)
}

// redisNote is where a node with the Redis in the box says how to reach it, so
// that commands on the same machine do.
func redisNote(cfg *config.Config) string { return filepath.Join(cfg.DataDir, "redis.url") }

func writeRedisNote(cfg *config.Config, url string) error {
	return os.WriteFile(redisNote(cfg), []byte(url+"\n"), 0o600)
}

func readRedisNote(cfg *config.Config) string {
	b, err := os.ReadFile(redisNote(cfg))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// banner says where to look.
func (a *App) banner() {
	a.log.Info("listening", "address", a.Addr(), "node", a.cfg.NodeID, "version", version)
	if a.cfg.RedisURL == "" || a.cfg.DatabaseURL == "" {
		fmt.Fprintf(os.Stderr, `
  Tieline is running: open http://%s in two browsers and talk.
  API and protocol: http://%[1]s/docs    health: http://%[1]s/readyz    metrics: http://%[1]s/metrics

`, a.Addr())
	}
	if a.cfg.RedisURL == "" {
		fmt.Fprintln(os.Stderr, "  The Redis in the box serves one node, and forgets at a restart who was connected; messages are kept.")
		fmt.Fprintln(os.Stderr)
	}
}
