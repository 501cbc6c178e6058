package call

import (
	"context"
	"runtime/debug"
	"sort"
	"strings"
	"time"
)

// Session runs commands against a server.
type Session struct {
	Addr     string // where the server listens
	AuthAddr string // where it wants a token
	Rpcx     string // the version this peer is built with

	loop *loop
}

// env is what a case works with.
type env struct {
	addr, authAddr string
	dialect        *dialect
	session        *Session
}

// A kase is one thing to try (case is a word of the language).
type kase func(ctx context.Context, e *env, c Command, r *report)

const defaultTimeout = 20 * time.Second

// Run runs one command.
func (s *Session) Run(c Command) Result {
	if c.Codec == "" {
		c.Codec = "msgpack"
	}
	result := Result{ID: c.ID, Case: c.Case, Codec: c.Codec, Gzip: c.Gzip, Size: c.Size, Variant: c.Variant, Rpcx: s.Rpcx}
	r := s.run(c)
	result.OK, result.Detail, result.Values = len(r.problems) == 0, r.detail(), r.values
	return result
}

func (s *Session) run(c Command) *report {
	r := newReport()
	run, ok := cases[c.Case]
	if !ok {
		r.problem("unknown case %q, expected one of %s", c.Case, strings.Join(names(), ", "))
		return r
	}
	d, err := dialectOf(c.Codec)
	if !r.succeeded("codec", err) {
		return r
	}
	e := &env{addr: s.Addr, authAddr: s.AuthAddr, dialect: d, session: s}
	if c.Addr != "" {
		e.addr = c.Addr
	}
	if c.AuthAddr != "" {
		e.authAddr = c.AuthAddr
	}
	timeout := defaultTimeout
	if c.TimeoutMS > 0 {
		timeout = time.Duration(c.TimeoutMS) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()

	done := make(chan *report, 1)
	go func() {
		inner := newReport()
		defer func() {
			if p := recover(); p != nil {
				inner.problem("panic: %v\n%s", p, debug.Stack())
			}
			done <- inner
		}()
		run(ctx, e, c, inner)
	}()
	select {
	case inner := <-done:
		return inner
	case <-time.After(timeout + time.Second):
		r.problem("not done after %s", timeout)
		return r
	}
}

func names() []string {
	all := make([]string, 0, len(cases))
	for name := range cases {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}

// withConnection dials, runs and closes.
func withConnection(e *env, gzip bool, r *report, use func(c *connection)) {
	c, err := dial(e.addr, options(e.dialect, gzip))
	if !r.succeeded("connect", err) {
		return
	}
	defer c.Close()
	use(c)
}

// alive notes a problem unless the connection still serves calls.
func alive(ctx context.Context, c *connection, e *env, r *report) {
	blob := e.dialect.blob("alive", []byte{1})
	reply := e.dialect.newBlob()
	if _, err := c.call(ctx, e.dialect.service, "Blob", nil, blob, reply); err != nil {
		r.problem("the connection does not serve the next call: %v", err)
	}
}

// until polls a condition for a while.
func until(ctx context.Context, limit time.Duration, condition func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for !condition() {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
	return true
}
