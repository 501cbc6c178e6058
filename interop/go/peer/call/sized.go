package call

import (
	"fmt"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
)

// sized makes a Blob that serializes to exactly size bytes.
func sized(d *dialect, size int) (any, error) {
	data := message.Bytes(min(300, size/4))
	// Every codec's overhead depends on the length of the text only by the width of a length, so
	// a few corrections arrive.
	for length, tries := max(0, size-len(data)), 0; tries < 8; tries++ {
		blob := d.blob(message.Text(length), data)
		encoded, err := d.encode(blob)
		if err != nil {
			return nil, err
		}
		if len(encoded) == size {
			return blob, nil
		}
		if length += size - len(encoded); length < 0 {
			break
		}
	}
	return nil, fmt.Errorf("interop: no Blob serializes to exactly %d bytes", size)
}
