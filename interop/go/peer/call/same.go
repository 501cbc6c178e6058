package call

import (
	"encoding/json"
	"reflect"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
)

// sameJSON compares JSON texts by what they say: peers escape and order as they like.
func sameJSON(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	return reflect.DeepEqual(x, y)
}

// canonicalText gives the canonical form of a value as JSON.
func canonicalText(value any) string {
	text, err := json.Marshal(message.Canonical(value, false))
	if err != nil {
		return err.Error()
	}
	return string(text)
}
