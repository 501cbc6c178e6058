package call

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/smallnest/rpcx/client"
	"github.com/smallnest/rpcx/protocol"
	"github.com/smallnest/rpcx/share"
)

// frame is what a frame was like, apart from its contents.
type frame struct {
	seq       uint64
	compress  protocol.CompressType
	serialize protocol.SerializeType
	status    protocol.MessageStatusType
	heartbeat bool
	length    int // of the payload, uncompressed
}

// recorder is a client plugin that keeps what frames were like.
type recorder struct {
	mu        sync.Mutex
	requests  []frame
	responses []frame
}

func frameOf(m *protocol.Message) frame {
	return frame{
		seq:       m.Seq(),
		compress:  m.CompressType(),
		serialize: m.SerializeType(),
		status:    m.MessageStatusType(),
		heartbeat: m.IsHeartbeat(),
		length:    len(m.Payload),
	}
}

// ClientBeforeEncode is called by rpcx for every frame it sends.
func (r *recorder) ClientBeforeEncode(m *protocol.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, frameOf(m))
	return nil
}

// ClientAfterDecode is called by rpcx for every frame it receives.
func (r *recorder) ClientAfterDecode(m *protocol.Message) error {
	if m.MessageType() == protocol.Response {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.responses = append(r.responses, frameOf(m))
	}
	return nil
}

func (r *recorder) all() (requests, responses []frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]frame(nil), r.requests...), append([]frame(nil), r.responses...)
}

// last returns the newest request and response.
func (r *recorder) last() (request, response frame) {
	requests, responses := r.all()
	if len(requests) > 0 {
		request = requests[len(requests)-1]
	}
	if len(responses) > 0 {
		response = responses[len(responses)-1]
	}
	return request, response
}

// connection is a plain rpcx client and what its frames were like.
type connection struct {
	*client.Client
	frames *recorder
}

func options(d *dialect, gzip bool) client.Option {
	option := client.DefaultOption
	option.ConnectTimeout = 5 * time.Second
	option.SerializeType = d.serialize
	if gzip {
		option.CompressType = protocol.Gzip
	}
	return option
}

func dial(address string, option client.Option) (*connection, error) {
	c := &connection{Client: client.NewClient(option), frames: &recorder{}}
	c.Plugins = client.NewPluginContainer()
	c.Plugins.Add(c.frames)
	if err := c.Connect("tcp", address); err != nil {
		return nil, fmt.Errorf("interop: cannot connect to %s: %w", address, err)
	}
	return c, nil
}

// call sends request metadata along and returns the response's.
func (c *connection) call(ctx context.Context, service, method string, metadata map[string]string, args, reply any) (map[string]string, error) {
	response := make(map[string]string)
	ctx = context.WithValue(ctx, share.ResMetaDataKey, response)
	if metadata != nil {
		ctx = context.WithValue(ctx, share.ReqMetaDataKey, metadata)
	}
	err := c.Call(ctx, service, method, args, reply)
	return response, err
}

// fromServer says whether a server answered with this error, rather than this side finding it.
func fromServer(err error) bool {
	if err == nil {
		return false
	}
	var service interface{ IsServiceError() bool }
	if errors.As(err, &service) {
		return service.IsServiceError()
	}
	// In rpcx 1.7 a service error is a type of its own without that method.
	return fmt.Sprintf("%T", err) == "client.ServiceError"
}
