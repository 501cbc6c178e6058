package message

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestCanonicalFormsAreTheDocumentedOnes(t *testing.T) {
	four := int64(4)
	for _, c := range []struct {
		value any
		text  string
	}{
		{true, `true`},
		{"né", `"né"`},
		{int8(-128), `"-128"`},
		{uint64(math.MaxUint64), `"18446744073709551615"`},
		{float32(1), `"3f800000"`},
		{math.Copysign(0, -1), `"8000000000000000"`},
		{math.NaN(), `"nan"`},
		{math.Inf(1), `"7ff0000000000000"`},
		{[]byte{0, 0xff}, `"00ff"`},
		{[]byte(nil), `null`},
		{[]byte{}, `""`},
		{[4]byte{1, 2, 3, 255}, `"010203ff"`},
		{time.Unix(1, 5), `"1.000000005"`},
		{time.Unix(-1, 999999999), `"-1.999999999"`},
		{time.Duration(-7), `"-7"`},
		{[]string(nil), `null`},
		{[][]string{{"a"}, {}}, `[["a"],[]]`},
		{map[int64]string{-1: "x"}, `{"-1":"x"}`},
		{map[string]int(nil), `null`},
		{(*Inner)(nil), `null`},
		{&four, `"4"`},
		{Inner{ID: 1, Label: "l"}, `{"ID":"1","Label":"l","Scores":null}`},
		{struct{ Base }{Base{TraceID: "t", Shard: 2}}, `{"Shard":"2","TraceID":"t"}`},
	} {
		if text, err := json.Marshal(Canonical(c.value, false)); err != nil || string(text) != c.text {
			t.Errorf("%#v: got %s, %v, expected %s", c.value, text, err, c.text)
		}
	}
	for _, c := range []struct {
		value any
		text  string
	}{{[]byte(nil), `""`}, {[]string(nil), `[]`}, {map[string]int(nil), `{}`}, {(*Inner)(nil), `null`}} {
		if text, _ := json.Marshal(Canonical(c.value, true)); string(text) != c.text {
			t.Errorf("loose %#v: got %s, expected %s", c.value, text, c.text)
		}
	}
}

func TestEveryFieldIsComparedAndEveryVariantIsItself(t *testing.T) {
	kinds := reflect.TypeFor[Everything]()
	if kinds.NumField() != 26 {
		t.Errorf("Everything has %d fields, expected 26", kinds.NumField())
	}
	for variant := range Variants {
		value, err := Make(variant)
		if err != nil {
			t.Fatal(err)
		}
		if checked := Check(value, false); len(checked.Differ) != 0 {
			t.Errorf("variant %d differs from itself: %v", variant, checked.Detail)
		}
		if alike, ok := Alike(value.UserID); !ok || !reflect.DeepEqual(alike, value) {
			t.Errorf("variant %d is not found by its UserID", variant)
		}
	}
	// A field that another value lends is found to differ, whichever field it is.
	zero, _ := Make(0)
	one, _ := Make(1)
	two, _ := Make(2)
	zero.Empty = "not any more"
	for i := range kinds.NumField() {
		field := kinds.Field(i)
		expected := field.Name
		if field.Anonymous {
			expected = "Shard,TraceID"
		}
		found := false
		for _, lender := range []*Everything{zero, two} {
			changed := *one
			reflect.ValueOf(&changed).Elem().Field(i).Set(reflect.ValueOf(lender).Elem().Field(i))
			if reflect.DeepEqual(&changed, one) {
				continue
			}
			found = true
			if checked := Compare(&changed, one, false); strings.Join(checked.Differ, ",") != expected {
				t.Errorf("%s: got %v", field.Name, checked)
			}
		}
		if !found {
			t.Errorf("%s is the same in every variant", field.Name)
		}
	}
	if _, err := Make(Variants); err == nil {
		t.Error("there is one variant more than said")
	}
}

func TestContentIsTheDocumentedOne(t *testing.T) {
	if got := Text(30); got != "ahovcjqxelszgnubipwdkryfmtbipw" {
		t.Errorf("got %s", got)
	}
	if got := Bytes(300); got[1] != 31 || got[9] != 23 || got[256] != 1 || got[299] != 54 {
		t.Errorf("got %v", got)
	}
}
