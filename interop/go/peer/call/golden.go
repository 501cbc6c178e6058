package call

import (
	"encoding/hex"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
)

// Golden is a variant of Everything as this peer serializes it, and what each field holds.
type Golden struct {
	Variant int               `json:"variant"`
	Codec   string            `json:"codec"`
	Payload string            `json:"payload"` // hex; maps are in no particular order
	Fields  map[string]string `json:"fields"`  // canonical JSON
}

// Goldens gives every variant in every codec that has structs: a server in another language needs
// no copy of the values by hand.
func Goldens() ([]Golden, error) {
	var goldens []Golden
	for variant := range message.Variants {
		value, err := message.Make(variant)
		if err != nil {
			return nil, err
		}
		for _, codec := range codecs[1:] {
			d := dialects[codec]
			payload, err := d.encode(d.everything(value))
			if err != nil {
				return nil, err
			}
			goldens = append(goldens, Golden{
				Variant: variant,
				Codec:   codec,
				Payload: hex.EncodeToString(payload),
				Fields:  message.Fields(value, d.loose),
			})
		}
	}
	return goldens, nil
}
