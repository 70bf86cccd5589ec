package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"
	"modernc.org/sqlite"
)

// Bounds of talking to the database where the caller sets none.
const (
	dialWithin  = 5 * time.Second
	ioWithin    = 30 * time.Second // one read or write on a connection
	askWithin   = 10 * time.Second // one query or transaction, waiting for a connection included
	keepConn    = 5 * time.Minute  // so that a server that moved is found again
	keepIdle    = 10 * time.Second // a connection that nobody uses; shorter than the server's wait_timeout below
	defaultOpen = 24
)

// Options tune a DB; the zero value is fine.
type Options struct {
	MaxOpen int          // connections at most; 0: 24. SQLite always has one
	Hooks   bool         // somebody wants to be told of sign-ups and complaints: chat.Hook
	Log     *slog.Logger // nil: slog.Default()
}

// DB is an open database. All methods may be called from several goroutines.
type DB struct {
	bun   *bun.DB
	mysql *mysql.Config // nil: SQLite
	hooks bool          // are kept with what they tell of
	log   *slog.Logger
}

// Open prepares a database from its URL: mysql://user:pass@host:3306/name, with
// parameters of the driver (tls, timeout, …) after a question mark, or
// sqlite:///absolute/path (sqlite://path is relative). A MySQL server need not
// be up yet; a SQLite file is made if it is not there. No error names the
// password.
func Open(ctx context.Context, databaseURL string, o Options) (*DB, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.MaxOpen <= 0 {
		o.MaxOpen = defaultOpen
	}
	switch scheme, rest, _ := strings.Cut(databaseURL, "://"); scheme {
	case "mysql":
		return openMySQL(databaseURL, o)
	case "sqlite":
		return openSQLite(ctx, rest, o)
	default:
		return nil, errors.New("store: a database URL begins with mysql:// or sqlite://")
	}
}

// Close closes all connections.
func (db *DB) Close() error { return db.bun.Close() }

// Dialect returns "mysql" or "sqlite".
func (db *DB) Dialect() string {
	if db.isMySQL() {
		return "mysql"
	}
	return "sqlite"
}

// Ping asks the database for a sign of life.
func (db *DB) Ping(ctx context.Context) error {
	ctx, cancel := within(ctx, askWithin)
	defer cancel()
	return fail("store.ping", db.bun.PingContext(ctx))
}

func (db *DB) isMySQL() bool { return db.mysql != nil }

func openMySQL(databaseURL string, o Options) (*DB, error) {
	config, err := mysqlConfig(databaseURL)
	if err != nil {
		return nil, err
	}
	config.Logger = driverLog{o.Log}
	pool, err := mysqlPool(config)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(o.MaxOpen)
	pool.SetMaxIdleConns(o.MaxOpen)
	pool.SetConnMaxLifetime(keepConn)
	pool.SetConnMaxIdleTime(keepIdle)
	return &DB{bun: bun.NewDB(pool, newMySQLDialect()), mysql: config, hooks: o.Hooks, log: o.Log}, nil
}

// mysqlConfig reads a mysql:// URL. Causes are left out of its errors: they
// quote the URL, and with it the password.
func mysqlConfig(databaseURL string) (*mysql.Config, error) {
	u, err := url.Parse(databaseURL)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return nil, errors.New("store: want mysql://user:pass@host:3306/name (special characters of the password percent-encoded)")
	}
	c, err := mysql.ParseDSN("/?" + u.RawQuery)
	if err != nil {
		return nil, errors.New("store: the parameters of the mysql:// URL are not ones of the driver")
	}
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	c.Net, c.Addr = "tcp", u.Host
	if u.Port() == "" {
		c.Addr = u.Host + ":3306"
	}
	c.DBName = strings.Trim(u.Path, "/")
	setTimeouts(c)
	c.ParseTime, c.Loc = true, time.UTC
	c.InterpolateParams = true
	c.MaxAllowedPacket = 0 // as the server has it
	c.MultiStatements, c.AllowAllFiles = false, false
	c.RejectReadOnly = true // after a failover, leave the old primary
	if c.Collation == "" {
		c.Collation = "utf8mb4_unicode_ci" // known to MySQL, MariaDB and TiDB alike; no column uses it
	}
	return c, nil
}

func setTimeouts(c *mysql.Config) {
	if c.Timeout == 0 {
		c.Timeout = dialWithin
	}
	if c.ReadTimeout == 0 {
		c.ReadTimeout = ioWithin
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = ioWithin
	}
}

func mysqlPool(c *mysql.Config) (*sql.DB, error) {
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, errors.New("store: the mysql:// URL is not understood by the driver")
	}
	return sql.OpenDB(sessionConnector{connector}), nil
}

// sessionSetup is run on each new MySQL connection. READ COMMITTED takes no gap
// locks, so nodes do not deadlock over rows that are not there yet; the
// isolation is set by statement because MySQL 8 and MariaDB name the variable
// differently. A lock is waited for only so long that one conversation that
// somebody keeps locked does not hold up the others. A node that is frozen in the
// middle of a transaction keeps its locks until the server has waited for it for
// wait_timeout; by default that is eight hours.
var sessionSetup = []string{
	"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
	"SET time_zone = '+00:00', innodb_lock_wait_timeout = 1, wait_timeout = 15," +
		" sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'",
}

// sessionConnector prepares each connection before the pool has it.
type sessionConnector struct{ driver.Connector }

func (c sessionConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for _, statement := range sessionSetup {
		if _, err := conn.(driver.ExecerContext).ExecContext(ctx, statement, nil); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// openSQLite opens the file at a path. One connection, and transactions that
// take the write lock at once: a transaction that reads first and then writes
// would otherwise fail whenever another one came between.
func openSQLite(ctx context.Context, path string, o Options) (*DB, error) {
	path, err := url.PathUnescape(path)
	if err != nil || path == "" || strings.Contains(path, "\x00") {
		return nil, errors.New("store: want sqlite:///path/to/file")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: "_txlock=immediate" +
		"&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)"}
	connector, err := sqlite.NewConnector(file.String())
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(1)
	db := &DB{bun: bun.NewDB(pool, newSQLiteDialect()), hooks: o.Hooks, log: o.Log}
	// Of those who make a new file at the same time one turns its journal to WAL;
	// SQLite has the others not wait for that, but fail.
	if err := untilWon(ctx, func() error { return db.Ping(ctx) }); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// driverLog takes what the MySQL driver has to say, mostly of connections that
// were lost; the call that needed one has an error of its own.
type driverLog struct{ log *slog.Logger }

func (d driverLog) Print(v ...any) { d.log.Debug("mysql driver", "says", fmt.Sprint(v...)) }

// within gives a context a deadline if it has none.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}

// now is the time as both dialects keep it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
