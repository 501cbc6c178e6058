package serve

import (
	"context"
	"strconv"
	"strings"

	"github.com/smallnest/rpcx/protocol"
	"github.com/smallnest/rpcx/share"
)

// Request metadata under "in-NAME" goes back as response metadata under "out-NAME". If there is
// any under ReportSeen, the response also says what the request's frame was like.
const (
	inPrefix   = "in-"
	outPrefix  = "out-"
	ReportSeen = "report-seen"

	SeenCompress  = "seen-compress"  // the compress type, a number
	SeenSerialize = "seen-serialize" // the serialize type, a number
	SeenLength    = "seen-length"    // the payload's length after decompression
	SeenPairs     = "seen-pairs"     // how many pairs of request metadata came
)

type seenKey struct{}

type seen struct {
	compress, serialize, length int
}

// seenPlugin keeps what a request's frame was like, for the handler to report.
type seenPlugin struct{}

// PostReadRequest is called by rpcx for every frame.
func (seenPlugin) PostReadRequest(ctx context.Context, r *protocol.Message, err error) error {
	if shared, ok := ctx.(*share.Context); ok && err == nil {
		shared.SetValue(seenKey{}, seen{int(r.CompressType()), int(r.SerializeType()), len(r.Payload)})
	}
	return nil
}

// answer fills the response metadata from the request's.
func answer(ctx context.Context) {
	request, _ := ctx.Value(share.ReqMetaDataKey).(map[string]string)
	response, _ := ctx.Value(share.ResMetaDataKey).(map[string]string)
	if response == nil {
		return
	}
	for key, value := range request {
		if name, ok := strings.CutPrefix(key, inPrefix); ok {
			response[outPrefix+name] = value
		}
	}
	if _, wanted := request[ReportSeen]; wanted {
		if seen, ok := ctx.Value(seenKey{}).(seen); ok {
			response[SeenCompress] = strconv.Itoa(seen.compress)
			response[SeenSerialize] = strconv.Itoa(seen.serialize)
			response[SeenLength] = strconv.Itoa(seen.length)
			response[SeenPairs] = strconv.Itoa(len(request))
		}
	}
}
