package cluster

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// sentinels know which server is the master. All of them are asked whenever a
// connection is made, and the keeper asks at each look: one that hangs or is cut
// off holds nobody up, and a master that most of them have given up is left at
// once, even if it still answers.
type sentinels struct {
	name   string
	all    []*redis.SentinelClient
	asking sync.WaitGroup

	mu  sync.Mutex
	now string // the master's address, as last heard
}

// sentinelTimeout is how long a sentinel may take to answer. It is less than a
// call may take, so that there is time left for the call.
const sentinelTimeout = 400 * time.Millisecond

// errNoMaster says that no sentinel names a master.
var errNoMaster = errors.New("cluster: no sentinel knows the master")

func newSentinels(name string, addrs []string, dial dialFunc) *sentinels {
	s := &sentinels{name: name}
	for _, addr := range addrs {
		s.all = append(s.all, redis.NewSentinelClient(&redis.Options{
			Addr: addr, Dialer: afresh(dial), MaxRetries: -1, DialerRetries: 1, PoolSize: 4, PipelinePoolSize: -1, DisableIdentity: true,
			DialTimeout: sentinelTimeout, ReadTimeout: sentinelTimeout, WriteTimeout: sentinelTimeout, PoolTimeout: sentinelTimeout,
			ContextTimeoutEnabled: true,
		}))
	}
	return s
}

// dialer returns a dial function to whoever is the master.
func (s *sentinels) dialer(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		addr, err := s.master(ctx)
		if err != nil {
			return nil, err
		}
		return dial(ctx, network, addr)
	}
}

// master returns the address that most sentinels name, or of those that answer
// in time, the one that is named most.
func (s *sentinels) master(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, sentinelTimeout)
	defer cancel()
	answers := make(chan string, len(s.all))
	for _, one := range s.all {
		s.asking.Go(func() {
			addr, err := one.GetMasterAddrByName(ctx, s.name).Result()
			if err != nil || len(addr) != 2 {
				answers <- ""
				return
			}
			answers <- net.JoinHostPort(addr[0], addr[1])
		})
	}
	votes := map[string]int{}
	most := ""
	for range s.all {
		addr := <-answers // each comes, if only by the deadline
		if addr == "" {
			continue
		}
		if votes[addr]++; votes[addr] > votes[most] {
			most = addr
		}
		if votes[addr] > len(s.all)/2 {
			break
		}
	}
	if most == "" {
		return "", errNoMaster
	}
	return most, nil
}

// moved reports whether another server is the master than when it last looked.
// Sentinels that do not answer move nothing.
func (s *sentinels) moved(ctx context.Context) bool {
	addr, err := s.master(ctx)
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	had := s.now
	s.now = addr
	return had != "" && had != addr
}

// Close ends the connections, after those questions that nobody waited for.
func (s *sentinels) Close() (err error) {
	s.asking.Wait()
	for _, one := range s.all {
		err = cmp.Or(err, one.Close())
	}
	return err
}

// masterOf splits what a redis-sentinel URL names.
func masterOf(o *redis.UniversalOptions) (name string, addrs []string) {
	name, addrs = o.MasterName, slices.Clone(o.Addrs)
	o.MasterName, o.Addrs = "", []string{"master:" + o.MasterName} // found by the dialer
	return name, addrs
}
