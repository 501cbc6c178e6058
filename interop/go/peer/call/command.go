// Package call is the calling half of a peer: it runs the cases against a server and says how
// they went.
package call

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Command asks for one case. Fields that a case does not look at may be left out.
type Command struct {
	ID      json.RawMessage `json:"id,omitempty"` // comes back with the result
	Case    string          `json:"case"`
	Codec   string          `json:"codec,omitempty"` // raw, json, protobuf, msgpack, thrift
	Gzip    bool            `json:"gzip,omitempty"`
	Size    int             `json:"size,omitempty"`    // of the serialized payload, in bytes
	Variant int             `json:"variant,omitempty"` // of Everything

	Addr      string `json:"addr,omitempty"` // instead of the one given at the start
	AuthAddr  string `json:"auth_addr,omitempty"`
	TimeoutMS int64  `json:"timeout_ms,omitempty"`

	Count       int    `json:"count,omitempty"`
	Callers     int    `json:"callers,omitempty"`
	Connections int    `json:"connections,omitempty"`
	Millis      int64  `json:"millis,omitempty"`
	Key         string `json:"key,omitempty"`

	TLS *TLS `json:"tls,omitempty"`
}

// Result is how a case went.
type Result struct {
	ID      json.RawMessage `json:"id,omitempty"`
	Case    string          `json:"case"`
	Codec   string          `json:"codec"`
	Gzip    bool            `json:"gzip"`
	Size    int             `json:"size"`
	Variant int             `json:"variant"`
	Rpcx    string          `json:"rpcx"` // the version this peer is built with
	OK      bool            `json:"ok"`
	Detail  string          `json:"detail"` // what was wrong, a line each
	Values  map[string]any  `json:"values"`
}

// report collects what a case saw and what was wrong with it.
type report struct {
	values   map[string]any
	problems []string
}

func newReport() *report { return &report{values: make(map[string]any)} }

func (r *report) set(name string, value any) { r.values[name] = value }

func (r *report) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

// expect notes a problem unless ok.
func (r *report) expect(ok bool, format string, args ...any) bool {
	if !ok {
		r.problem(format, args...)
	}
	return ok
}

// equal notes a problem unless both are the same.
func equal[T comparable](r *report, what string, got, expected T) bool {
	return r.expect(got == expected, "%s: got %s, expected %s", what, shorten(got), shorten(expected))
}

// succeeded notes an error as a problem.
func (r *report) succeeded(what string, err error) bool {
	return r.expect(err == nil, "%s: %v", what, err)
}

func (r *report) detail() string { return strings.Join(r.problems, "\n") }

func shorten(value any) string {
	text := fmt.Sprintf("%#v", value)
	if len(text) > 200 {
		return fmt.Sprintf("%s… (%d characters)", text[:200], len(text))
	}
	return text
}
