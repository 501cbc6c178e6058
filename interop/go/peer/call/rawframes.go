package call

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net"
	"time"

	"github.com/smallnest/rpcx/protocol"
	"github.com/vmihailenco/msgpack/v5"
)

// wire is a bare connection for frames that no rpcx client sends.
type wire struct {
	net.Conn
	reader *bufio.Reader
}

func withWire(ctx context.Context, e *env, r *report, use func(w *wire)) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", e.addr)
	if !r.succeeded("connect", err) {
		return
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	use(&wire{Conn: conn, reader: bufio.NewReader(conn)})
}

// receive reads one frame and also returns it as it came.
func (w *wire) receive() (*protocol.Message, []byte, error) {
	var raw bytes.Buffer
	m := protocol.NewMessage()
	err := m.Decode(io.TeeReader(w.reader, &raw))
	return m, raw.Bytes(), err
}

func (w *wire) exchange(m *protocol.Message) (*protocol.Message, error) {
	if _, err := w.Write(m.Encode()); err != nil {
		return nil, err
	}
	response, _, err := w.receive()
	return response, err
}

func request(seq uint64, serialize protocol.SerializeType, service, method string, payload []byte) *protocol.Message {
	m := protocol.NewMessage()
	m.SetMessageType(protocol.Request)
	m.SetSeq(seq)
	m.SetSerializeType(serialize)
	m.ServicePath, m.ServiceMethod, m.Payload = service, method, payload
	return m
}

// heartbeat_frame: whatever is in a heartbeat comes back as it went, only the response bit is set.
func heartbeatFrame(ctx context.Context, e *env, _ Command, r *report) {
	withWire(ctx, e, r, func(w *wire) {
		plain := request(1<<63+5, protocol.MsgPack, "any path", "any method", []byte("no MessagePack \xff"))
		plain.SetHeartbeat(true)
		plain.Metadata = map[string]string{"trace": "Grüße"}
		byteForByte(w, r, "with metadata", plain)

		oneway := request(2, protocol.JSON, "", "", nil)
		oneway.SetHeartbeat(true)
		oneway.SetOneway(true)
		oneway.SetVersion(3)
		oneway.Header[3] |= 0x0f // the reserved bits
		byteForByte(w, r, "oneway, of another version, with reserved bits and without payload", oneway)

		usual := request(3, protocol.MsgPack, "", "", []byte{0xd3, 1, 2, 3, 4, 5, 6, 7, 8})
		usual.SetHeartbeat(true)
		byteForByte(w, r, "as the Go client sends it", usual)

		packed := request(4, protocol.MsgPack, "p", "m", bytes.Repeat([]byte("beat"), 500))
		packed.SetHeartbeat(true)
		packed.SetCompressType(protocol.Gzip)
		packed.Metadata = map[string]string{"a": "1", "b": "", "": "c"}
		response, err := w.exchange(packed)
		if r.succeeded("compressed heartbeat", err) {
			r.expect(response.MessageType() == protocol.Response && response.IsHeartbeat(), "compressed heartbeat: header %x", response.Header[:])
			equal(r, "compress type of the echo", response.CompressType(), protocol.Gzip)
			equal(r, "seq of the echo", response.Seq(), packed.Seq())
			equal(r, "path of the echo", response.ServicePath, packed.ServicePath)
			equal(r, "method of the echo", response.ServiceMethod, packed.ServiceMethod)
			r.expect(maps.Equal(response.Metadata, packed.Metadata), "metadata of the echo: %v", response.Metadata)
			r.expect(bytes.Equal(response.Payload, packed.Payload), "payload of the echo: %d bytes", len(response.Payload))
		}
	})
}

func byteForByte(w *wire, r *report, what string, m *protocol.Message) {
	sent := m.Encode()
	if _, err := w.Write(sent); !r.succeeded(what, err) {
		return
	}
	_, got, err := w.receive()
	if !r.succeeded(what, err) {
		return
	}
	expected := bytes.Clone(sent)
	expected[2] |= 0x80
	equal(r, "echo of a heartbeat "+what, hex.EncodeToString(got), hex.EncodeToString(expected))
}

// unknown_codec: the server says so and goes on.
func unknownCodec(ctx context.Context, e *env, _ Command, r *report) {
	withWire(ctx, e, r, func(w *wire) {
		response, err := w.exchange(request(1, 9, "Interop", "Blob", []byte("x")))
		if r.succeeded("exchange", err) {
			refused(r, response, "can not find codec for 9")
			r.set("error", response.Metadata[protocol.ServiceError])
		}
		aliveWire(w, e, r)
	})
}

// bad_args: a payload that does not decode is an error of that call and of nothing else.
func badArgs(ctx context.Context, e *env, c Command, r *report) {
	garbage := map[string][][]byte{
		"json":     {[]byte(`{"Text":5}`), []byte(`{"Text":"`), {}},
		"msgpack":  {{0xc1}, {0x81, 0xa4, 'T', 'e', 'x', 't', 0xcb, 0, 0, 0, 0, 0, 0, 0, 0}, {}},
		"protobuf": {{0x0a, 0xff}, {0xff}},
		"thrift":   {{0x0b, 0, 1, 0x7f, 0xff, 0xff, 0xff}, {0x0b}, {}},
	}[c.Codec]
	r.expect(len(garbage) > 0, "every payload is right in %s", c.Codec)
	withWire(ctx, e, r, func(w *wire) {
		var texts []string
		for i, payload := range garbage {
			response, err := w.exchange(request(uint64(i), e.dialect.serialize, e.dialect.service, "Blob", payload))
			if !r.succeeded(fmt.Sprintf("exchange of %x", payload), err) {
				return
			}
			refused(r, response, "")
			equal(r, "seq of the response", response.Seq(), uint64(i))
			texts = append(texts, response.Metadata[protocol.ServiceError])
		}
		r.set("errors", texts)
		aliveWire(w, e, r)
	})
}

// array_struct: an older Rust client sends structs as arrays of their fields.
func arrayStruct(ctx context.Context, e *env, _ Command, r *report) {
	payload, err := msgpack.Marshal([]any{"text", []byte{1, 2, 3}})
	if !r.succeeded("payload", err) {
		return
	}
	withWire(ctx, e, r, func(w *wire) {
		response, err := w.exchange(request(1, protocol.MsgPack, "Interop", "Blob", payload))
		if r.succeeded("exchange", err) && accepted(r, response) {
			replied(r, e, response, "text", []byte{1, 2, 3})
		}
	})
}

// json_loose: names in any case, fields that nobody knows, null, and bytes behind the value.
func jsonLoose(ctx context.Context, e *env, _ Command, r *report) {
	withWire(ctx, e, r, func(w *wire) {
		for _, payload := range []string{
			`{"text":"text","DATA":"AQID"}`,
			`{"Unknown":{"a":[1,null]},"Text":"text","Data":"AQID"}`,
			`{"Text":"text","Data":"AQID"} and more`,
		} {
			response, err := w.exchange(request(1, protocol.JSON, "Interop", "Blob", []byte(payload)))
			if r.succeeded("exchange of "+payload, err) && accepted(r, response) {
				replied(r, e, response, "text", []byte{1, 2, 3})
			}
		}
		response, err := w.exchange(request(1, protocol.JSON, "Interop", "Blob", []byte(`{"Text":null,"Data":null}`)))
		if r.succeeded("exchange of nulls", err) && accepted(r, response) {
			replied(r, e, response, "", nil)
		}
	})
}

// torn_frames: frames cut into single bytes, and several in one piece.
func tornFrames(ctx context.Context, e *env, _ Command, r *report) {
	withWire(ctx, e, r, func(w *wire) {
		one := func(seq uint64) []byte {
			payload, err := e.dialect.encode(e.dialect.blob(fmt.Sprint("blob ", seq), nil))
			r.succeeded("payload", err)
			return request(seq, e.dialect.serialize, e.dialect.service, "Blob", payload).Encode()
		}
		for _, b := range one(1) {
			if _, err := w.Write([]byte{b}); !r.succeeded("write", err) {
				return
			}
			time.Sleep(time.Millisecond / 4)
		}
		var pieces []byte
		for seq := uint64(2); seq <= 50; seq++ {
			pieces = append(pieces, one(seq)...)
		}
		cut := len(pieces) - 7
		for _, piece := range [][]byte{pieces[:cut], pieces[cut:]} {
			if _, err := w.Write(piece); !r.succeeded("write", err) {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		answered := make(map[uint64]bool)
		for len(answered) < 50 {
			response, _, err := w.receive()
			if !r.succeeded("receive", err) || !accepted(r, response) {
				return
			}
			r.expect(!answered[response.Seq()], "seq %d was answered twice", response.Seq())
			answered[response.Seq()] = true
			replied(r, e, response, fmt.Sprint("blob ", response.Seq()), nil)
		}
	})
}

func refused(r *report, response *protocol.Message, text string) {
	equal(r, "status of the response", response.MessageStatusType(), protocol.Error)
	equal(r, "length of the payload beside an error from before the method", len(response.Payload), 0)
	got := response.Metadata[protocol.ServiceError]
	if text == "" {
		r.expect(got != "", "the error has no text")
	} else {
		equal(r, "error", got, text)
	}
}

func accepted(r *report, response *protocol.Message) bool {
	return r.expect(response.MessageType() == protocol.Response && response.MessageStatusType() == protocol.Normal,
		"the response is an error: %v", response.Metadata)
}

func replied(r *report, e *env, response *protocol.Message, text string, data []byte) {
	reply := e.dialect.newBlob()
	if err := decode(response, reply); r.succeeded("reply", err) {
		gotText, gotData := e.dialect.blobOf(reply)
		equal(r, "text of the reply", gotText, text)
		equal(r, "data of the reply", string(gotData), string(data))
	}
}

func aliveWire(w *wire, e *env, r *report) {
	payload, err := e.dialect.encode(e.dialect.blob("alive", nil))
	if !r.succeeded("payload", err) {
		return
	}
	response, err := w.exchange(request(1000, e.dialect.serialize, e.dialect.service, "Blob", payload))
	if r.succeeded("the call after it", err) && accepted(r, response) {
		replied(r, e, response, "alive", nil)
	}
}
