package call

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"github.com/smallnest/rpcx/protocol"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
	"github.com/trunkline-rpc/trunkline/interop/go/peer/serve"
)

// The sender compresses payloads above this length only.
const threshold = 1024

// call: a Blob of an exact size there and back.
func callCase(ctx context.Context, e *env, c Command, r *report) {
	exchange(ctx, e, c, r, "Blob", nil)
}

// error: the method fails and sets a reply; both arrive, and the response metadata.
func errorCase(ctx context.Context, e *env, c Command, r *report) {
	exchange(ctx, e, c, r, "Fail", map[string]string{"in-beside": "the error"})
}

// metadata: what the handler saw and what the caller sees.
func metadataCase(ctx context.Context, e *env, c Command, r *report) {
	exchange(ctx, e, c, r, "Blob", map[string]string{
		"in-plain":       "value",
		"in-empty":       "",
		"in-text":        "Grüße, 世界 \U0001f680\nline two",
		"in-long":        message.Text(2000),
		"in-größe":       "key",
		"in-":            "no name",
		serve.ReportSeen: "",
	})
}

func exchange(ctx context.Context, e *env, c Command, r *report, method string, metadata map[string]string) {
	blob, err := sized(e.dialect, c.Size)
	if !r.succeeded("payload", err) {
		return
	}
	withConnection(e, c.Gzip, r, func(conn *connection) {
		reply := e.dialect.newBlob()
		response, err := conn.call(ctx, e.dialect.service, method, metadata, blob, reply)
		text, data := e.dialect.blobOf(blob)
		status := protocol.Normal
		if method == "Fail" {
			status = protocol.Error
			if r.expect(err != nil, "the call succeeded, expected an error") {
				equal(r, "error", err.Error(), message.FailText(len(text)))
				r.expect(fromServer(err), "the error is %T, expected a service error", err)
			}
			r.set("error", fmt.Sprint(err))
		} else if !r.succeeded("call", err) {
			return
		}
		replyText, replyData := e.dialect.blobOf(reply)
		equal(r, "text of the reply", replyText, text)
		r.expect(bytes.Equal(replyData, data), "data of the reply: got %d bytes, expected the %d sent", len(replyData), len(data))
		for key, value := range metadata {
			if name, ok := cutIn(key); ok {
				got, found := response["out-"+name]
				r.expect(found && got == value, "response metadata out-%s: got %s (there: %t), expected %s", name, shorten(got), found, shorten(value))
			}
		}
		frames(r, c, conn, status)
		seen(r, c, response, len(metadata))
	})
}

// frames checks serialize type, status and the rule for compression on what went and came.
func frames(r *report, c Command, conn *connection, status protocol.MessageStatusType) {
	request, response := conn.frames.last()
	equal(r, "serialize type of the response", response.serialize, request.serialize)
	equal(r, "status of the response", response.status, status)
	equal(r, "length of the request's payload", request.length, c.Size)
	equal(r, "compress type of the request", request.compress, compression(c.Gzip && request.length > threshold))
	// The server compresses with what the request was compressed with, so a small request gets a
	// plain reply.
	equal(r, "compress type of the response", response.compress,
		compression(request.compress == protocol.Gzip && response.length > threshold))
	r.set("request_length", request.length)
	r.set("request_compress", request.compress)
	r.set("reply_length", response.length)
	r.set("reply_compress", response.compress)
}

// seen checks what the server says about the request's frame, where it does.
func seen(r *report, c Command, response map[string]string, pairs int) {
	compress, there := response[serve.SeenCompress]
	if !there {
		return
	}
	equal(r, "compress type that the server saw", compress, strconv.Itoa(int(compression(c.Gzip && c.Size > threshold))))
	equal(r, "payload length that the server saw", response[serve.SeenLength], strconv.Itoa(c.Size))
	equal(r, "metadata pairs that the server saw", response[serve.SeenPairs], strconv.Itoa(pairs))
	r.set("seen_compress", compress)
}

// generate: a small request whose reply is large.
func generateCase(ctx context.Context, e *env, c Command, r *report) {
	withConnection(e, c.Gzip, r, func(conn *connection) {
		const textLen, dataLen = 3000, 500
		reply := e.dialect.newBlob()
		if _, err := conn.call(ctx, e.dialect.service, "Generate", nil, e.dialect.generate(textLen, dataLen), reply); !r.succeeded("call", err) {
			return
		}
		text, data := e.dialect.blobOf(reply)
		if c.Codec == "raw" {
			equal(r, "bytes of the reply", text, string(message.Bytes(textLen+dataLen)))
		} else {
			equal(r, "text of the reply", text, message.Text(textLen))
			equal(r, "data of the reply", string(data), string(message.Bytes(dataLen)))
		}
		_, response := conn.frames.last()
		equal(r, "compress type of the reply to an uncompressed request", response.compress, protocol.None)
		r.set("reply_compress", response.compress)
	})
}

func compression(on bool) protocol.CompressType {
	if on {
		return protocol.Gzip
	}
	return protocol.None
}

func cutIn(key string) (string, bool) {
	if len(key) >= 3 && key[:3] == "in-" {
		return key[3:], true
	}
	return "", false
}
