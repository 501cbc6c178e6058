// Package trunklineerr lets a Go service and a Trunkline service tell one another more about an
// error than its text: what kind it is, the application's code and details, whether the call was
// started, and when to try again. It travels in response metadata that peers without this package
// ignore. The package needs nothing but the standard library and goes with every version of rpcx.
//
// A handler:
//
//	func (s *Users) Find(ctx context.Context, args *Args, reply *Reply) error {
//		e := trunklineerr.New(trunklineerr.NotFound, "no such user").WithCode("user_missing")
//		return trunklineerr.Return(ctx.Value(share.ResMetaDataKey), e)
//	}
//
// or, once for a whole server (where rpcx has this hook: 1.8.35 does, 1.7.4 does not), after which
// handlers return *Error as any other error:
//
//	server.ServerErrorFunc = func(res *protocol.Message, err error) string {
//		return trunklineerr.Attach(res.Metadata, err)
//	}
//
// A caller:
//
//	response := make(map[string]string)
//	ctx = context.WithValue(ctx, share.ResMetaDataKey, response)
//	err := client.Call(ctx, "Users", "Find", args, reply)
//	if e, ok := trunklineerr.Read(response); ok && e.Kind == trunklineerr.NotFound { … }
//
// or, once for a whole process (in the same versions), after which errors.As finds the *Error:
//
//	client.ClientErrorFunc = func(res *protocol.Message, text string) client.ServiceError {
//		return trunklineerr.Of(res.Metadata, text)
//	}
package trunklineerr

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Metadata keys of an error response.
const (
	KeyText       = "__rpcx_error__"          // the text; written by rpcx itself
	KeyKind       = "__trunkline_kind"        // one of the kinds below; absent: application
	KeyCode       = "__trunkline_code"        // the application's code
	KeyDetails    = "__trunkline_details"     // JSON
	KeyStarted    = "__trunkline_started"     // "0": the handler was not started
	KeyRetryAfter = "__trunkline_retry_after" // decimal milliseconds
)

// Kind is what sort of failure an error is.
type Kind string

// The kinds, as they stand in metadata.
const (
	Invalid         Kind = "invalid"         // the arguments do not decode, or were refused
	Unauthenticated Kind = "unauthenticated" // the caller is not known
	Denied          Kind = "denied"          // the caller is known and may not do this
	NotFound        Kind = "not_found"       // no such service, method or thing
	Application     Kind = "application"     // the handler's own error
	Overloaded      Kind = "overloaded"      // refused because there was too much to do
	Unavailable     Kind = "unavailable"     // no instance, no connection, or stopping
	Deadline        Kind = "deadline"        // out of time
	Cancelled       Kind = "cancelled"       // the caller went away
	Internal        Kind = "internal"        // a panic, or a reply that does not encode
)

// Error is an error with what travels beside its text.
type Error struct {
	Kind       Kind
	Text       string
	Code       string
	Details    json.RawMessage
	NotStarted bool           // the handler was not started: trying again cannot do the work twice
	RetryAfter *time.Duration // nil: the far end said nothing about trying again
}

// New returns an error of a kind with a text.
func New(kind Kind, text string) *Error {
	return &Error{Kind: kind, Text: text}
}

// WithCode sets the application's code.
func (e *Error) WithCode(code string) *Error {
	e.Code = code
	return e
}

// WithDetails sets the details; a value that JSON cannot hold is left out.
func (e *Error) WithDetails(details any) *Error {
	if text, err := json.Marshal(details); err == nil {
		e.Details = text
	}
	return e
}

// WithRetryAfter tells the caller that the same call may succeed after this time.
func (e *Error) WithRetryAfter(wait time.Duration) *Error {
	e.RetryAfter = &wait
	return e
}

// WithNotStarted promises that the work was not begun.
func (e *Error) WithNotStarted() *Error {
	e.NotStarted = true
	return e
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// IsServiceError tells rpcx that the far end answered, so that it does not send the call again.
func (e *Error) IsServiceError() bool { return true }

// DecodeDetails reads the details into value.
func (e *Error) DecodeDetails(value any) error {
	if len(e.Details) == 0 {
		return errors.New("trunklineerr: the error came without details")
	}
	return json.Unmarshal(e.Details, value)
}

// Write puts everything but the text, which rpcx writes, into response metadata.
func (e *Error) Write(metadata map[string]string) {
	// Application is what a reader assumes when nothing is said.
	if e.Kind != "" && e.Kind != Application {
		metadata[KeyKind] = string(e.Kind)
	}
	if e.Code != "" {
		metadata[KeyCode] = e.Code
	}
	if len(e.Details) > 0 {
		metadata[KeyDetails] = string(e.Details)
	}
	if e.NotStarted {
		metadata[KeyStarted] = "0"
	}
	if e.RetryAfter != nil {
		metadata[KeyRetryAfter] = strconv.FormatInt(e.RetryAfter.Milliseconds(), 10)
	}
}

// Return puts an error into response metadata and returns it, for a handler to return. response is
// what the handler's context holds under share.ResMetaDataKey; nothing is put if it is no map.
func Return(response any, e *Error) error {
	if metadata, ok := response.(map[string]string); ok && metadata != nil {
		e.Write(metadata)
	}
	return e
}

// Attach puts err into response metadata, if it is or wraps an *Error, and returns its text: what
// a server's ServerErrorFunc has to do.
func Attach(metadata map[string]string, err error) string {
	var e *Error
	if errors.As(err, &e) && metadata != nil {
		e.Write(metadata)
	}
	return err.Error()
}

// Of reads the error with this text from response metadata: what a ClientErrorFunc has to do.
// Without our keys, the kind is told from the texts that are fixed in rpcx.
func Of(metadata map[string]string, text string) *Error {
	e := &Error{
		Kind:       Kind(metadata[KeyKind]),
		Text:       text,
		Code:       metadata[KeyCode],
		NotStarted: metadata[KeyStarted] == "0",
	}
	if !e.Kind.known() {
		e.Kind = Application
		if metadata[KeyKind] == "" {
			e.Kind = kindOfText(text)
		}
	}
	if details := metadata[KeyDetails]; details != "" {
		e.Details = json.RawMessage(details)
	}
	if millis, err := strconv.ParseUint(metadata[KeyRetryAfter], 10, 63); err == nil && millis <= maxMillis {
		e.WithRetryAfter(time.Duration(millis) * time.Millisecond)
	}
	return e
}

// Read reads the error from response metadata; false when the response was none.
func Read(metadata map[string]string) (*Error, bool) {
	text, ok := metadata[KeyText]
	if !ok {
		return nil, false
	}
	return Of(metadata, text), true
}

// What a Duration can hold.
const maxMillis = uint64((1<<63 - 1) / time.Millisecond)

func (k Kind) known() bool {
	switch k {
	case Invalid, Unauthenticated, Denied, NotFound, Application, Overloaded, Unavailable, Deadline, Cancelled, Internal:
		return true
	}
	return false
}

func kindOfText(text string) Kind {
	switch {
	case strings.HasPrefix(text, "rpcx: can't find service "), strings.HasPrefix(text, "rpcx: can't find method "):
		return NotFound
	case text == context.DeadlineExceeded.Error():
		return Deadline
	case text == "request reached rate limit":
		return Overloaded
	case strings.HasPrefix(text, "[service internal error]: "):
		return Internal
	case strings.HasPrefix(text, "can not find codec for "):
		return Invalid
	}
	return Application
}
