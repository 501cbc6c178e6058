package trunklineerr

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"testing"
	"time"
)

func response(e *Error) map[string]string {
	metadata := map[string]string{}
	metadata[KeyText] = Attach(metadata, e)
	return metadata
}

func TestEveryKindSurvivesTheWire(t *testing.T) {
	for _, kind := range []Kind{Invalid, Unauthenticated, Denied, NotFound, Application, Overloaded, Unavailable, Deadline, Cancelled, Internal} {
		sent := New(kind, "text").WithCode("c7").WithDetails(map[string]int{"left": 3}).WithRetryAfter(7 * time.Millisecond).WithNotStarted()
		got, ok := Read(response(sent))
		if !ok || !reflect.DeepEqual(got, sent) {
			t.Errorf("%s: got %+v, expected %+v", kind, got, sent)
		}
		var details struct{ Left int }
		if err := got.DecodeDetails(&details); err != nil || details.Left != 3 {
			t.Errorf("%s: details %+v, %v", kind, details, err)
		}
	}
}

func TestKeysAndValuesAreTheOnesOnTheWire(t *testing.T) {
	sent := New(Overloaded, "busy").WithCode("c").WithDetails([]int{1}).WithRetryAfter(1500 * time.Millisecond).WithNotStarted()
	expected := map[string]string{
		"__rpcx_error__":          "busy",
		"__trunkline_kind":        "overloaded",
		"__trunkline_code":        "c",
		"__trunkline_details":     "[1]",
		"__trunkline_started":     "0",
		"__trunkline_retry_after": "1500",
	}
	if got := response(sent); !maps.Equal(got, expected) {
		t.Errorf("got %v, expected %v", got, expected)
	}
}

func TestAPlainErrorAddsNothing(t *testing.T) {
	if got := response(New(Application, "no")); !maps.Equal(got, map[string]string{KeyText: "no"}) {
		t.Errorf("got %v", got)
	}
	metadata := map[string]string{}
	if text := Attach(metadata, errors.New("stock")); text != "stock" || len(metadata) != 0 {
		t.Errorf("got %q and %v", text, metadata)
	}
}

func TestAWrappedErrorKeepsWhatTravelsBesideTheText(t *testing.T) {
	metadata := map[string]string{}
	text := Attach(metadata, fmt.Errorf("find: %w", New(NotFound, "no such user")))
	if text != "find: no such user" || metadata[KeyKind] != "not_found" {
		t.Errorf("got %q and %v", text, metadata)
	}
}

func TestAHandlerReturnsAndACallerReads(t *testing.T) {
	metadata := map[string]string{}
	sent := New(Denied, "not yours").WithCode("owner")
	if err := Return(metadata, sent); err.Error() != "not yours" {
		t.Fatal(err)
	}
	if _, ok := Read(metadata); ok {
		t.Error("without a text there was no error response")
	}
	metadata[KeyText] = "not yours"
	if got, ok := Read(metadata); !ok || !reflect.DeepEqual(got, sent) {
		t.Errorf("got %+v", got)
	}
	for _, nowhere := range []any{nil, map[string]string(nil), "text"} {
		if err := Return(nowhere, sent); err != error(sent) {
			t.Errorf("%v: the error is lost", nowhere)
		}
	}
}

func TestWhatIsMissingOrStrangeIsReadCautiously(t *testing.T) {
	for text, kind := range map[string]Kind{
		"rpcx: can't find service Nope":               NotFound,
		"rpcx: can't find method Nope":                NotFound,
		"context deadline exceeded":                   Deadline,
		"request reached rate limit":                  Overloaded,
		"[service internal error]: boom, method: Div": Internal,
		"can not find codec for 9":                    Invalid,
		"divide by zero":                              Application,
	} {
		if got, _ := Read(map[string]string{KeyText: text}); got.Kind != kind {
			t.Errorf("%q: got %s, expected %s", text, got.Kind, kind)
		}
	}
	got, ok := Read(map[string]string{
		KeyText: "x", KeyKind: "from_the_future", KeyStarted: "no", KeyRetryAfter: "99999999999999999999",
	})
	if !ok || got.Kind != Application || got.NotStarted || got.RetryAfter != nil {
		t.Errorf("got %+v", got)
	}
	for _, wait := range []string{"-1", "soon", "", "9223372036854775807"} {
		if got := Of(map[string]string{KeyRetryAfter: wait}, "x"); got.RetryAfter != nil {
			t.Errorf("%q: got %v", wait, *got.RetryAfter)
		}
	}
	if _, ok := Read(nil); ok {
		t.Error("no metadata is no error")
	}
	if err := Of(nil, "x").DecodeDetails(&struct{}{}); err == nil {
		t.Error("there are no details to decode")
	}
}
