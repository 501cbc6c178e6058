package call

import (
	"encoding/binary"
	"fmt"

	"github.com/smallnest/rpcx/protocol"
	"github.com/smallnest/rpcx/share"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
	"github.com/trunkline-rpc/trunkline/interop/go/peer/pb"
	"github.com/trunkline-rpc/trunkline/interop/go/peer/thriftmsg"
)

// dialect is how the messages of the matrix are said in one codec.
type dialect struct {
	serialize protocol.SerializeType
	service   string

	blob     func(text string, data []byte) any
	newBlob  func() any
	blobOf   func(any) (text string, data []byte)
	generate func(textLen, dataLen int32) any

	// Raw bytes have no structs: the rest is nil there.
	loose         bool // cannot tell nil from empty
	everything    func(*message.Everything) any
	newEverything func() any
	everythingOf  func(any) *message.Everything
	pick          func(variant int) any
	newMade       func() any
	madeOf        func(any) (*message.Everything, map[string]string)
	newChecked    func() any
	checkedOf     func(any) message.Checked
	floats        func(message.Floats) any
	newFloats     func() any
	floatsOf      func(any) message.Floats
}

var dialects = map[string]*dialect{
	"raw":      raw(),
	"json":     plain(protocol.JSON),
	"msgpack":  plain(protocol.MsgPack),
	"protobuf": protobuf(),
	"thrift":   thrift(),
}

func dialectOf(codec string) (*dialect, error) {
	if d, ok := dialects[codec]; ok {
		return d, nil
	}
	return nil, fmt.Errorf("interop: unknown codec %q, expected raw, json, protobuf, msgpack or thrift", codec)
}

func (d *dialect) encode(value any) ([]byte, error) {
	return share.Codecs[d.serialize].Encode(value)
}

func raw() *dialect {
	return &dialect{
		serialize: protocol.SerializeNone,
		service:   "InteropRaw",
		blob:      func(text string, data []byte) any { return append([]byte(text), data...) },
		newBlob:   func() any { return new([]byte) },
		blobOf: func(value any) (string, []byte) {
			switch bytes := value.(type) {
			case *[]byte:
				return string(*bytes), nil
			default:
				return string(bytes.([]byte)), nil
			}
		},
		generate: func(textLen, dataLen int32) any {
			return binary.BigEndian.AppendUint32(nil, uint32(textLen+dataLen))
		},
	}
}

func plain(serialize protocol.SerializeType) *dialect {
	return &dialect{
		serialize: serialize,
		service:   "Interop",
		blob:      func(text string, data []byte) any { return &message.Blob{Text: text, Data: data} },
		newBlob:   func() any { return new(message.Blob) },
		blobOf: func(value any) (string, []byte) {
			blob := value.(*message.Blob)
			return blob.Text, blob.Data
		},
		generate: func(textLen, dataLen int32) any {
			return &message.Generate{TextLen: textLen, DataLen: dataLen}
		},
		everything:    func(value *message.Everything) any { return value },
		newEverything: func() any { return new(message.Everything) },
		everythingOf:  func(value any) *message.Everything { return value.(*message.Everything) },
		pick:          func(variant int) any { return &message.Pick{Variant: int32(variant)} },
		newMade:       func() any { return new(message.Made) },
		madeOf: func(value any) (*message.Everything, map[string]string) {
			made := value.(*message.Made)
			return &made.Value, made.Fields
		},
		newChecked: func() any { return new(message.Checked) },
		checkedOf:  func(value any) message.Checked { return *value.(*message.Checked) },
		floats:     func(floats message.Floats) any { return &floats },
		newFloats:  func() any { return new(message.Floats) },
		floatsOf:   func(value any) message.Floats { return *value.(*message.Floats) },
	}
}

func protobuf() *dialect {
	return &dialect{
		serialize: protocol.ProtoBuffer,
		service:   "InteropPB",
		blob:      func(text string, data []byte) any { return &pb.Blob{Text: text, Data: data} },
		newBlob:   func() any { return new(pb.Blob) },
		blobOf: func(value any) (string, []byte) {
			blob := value.(*pb.Blob)
			return blob.GetText(), blob.GetData()
		},
		generate: func(textLen, dataLen int32) any {
			return &pb.Generate{TextLen: textLen, DataLen: dataLen}
		},
		loose:         true,
		everything:    func(value *message.Everything) any { return pb.FromEverything(value) },
		newEverything: func() any { return new(pb.Everything) },
		everythingOf:  func(value any) *message.Everything { return value.(*pb.Everything).Everything() },
		pick:          func(variant int) any { return &pb.Pick{Variant: int32(variant)} },
		newMade:       func() any { return new(pb.Made) },
		madeOf: func(value any) (*message.Everything, map[string]string) {
			made := value.(*pb.Made)
			return made.GetValue().Everything(), made.GetFields()
		},
		newChecked: func() any { return new(pb.Checked) },
		checkedOf: func(value any) message.Checked {
			checked := value.(*pb.Checked)
			return message.Checked{Differ: checked.GetDiffer(), Detail: checked.GetDetail()}
		},
		floats: func(floats message.Floats) any {
			return &pb.Floats{F32: floats.F32, F64: floats.F64}
		},
		newFloats: func() any { return new(pb.Floats) },
		floatsOf: func(value any) message.Floats {
			floats := value.(*pb.Floats)
			return message.Floats{F32: floats.GetF32(), F64: floats.GetF64()}
		},
	}
}

func thrift() *dialect {
	return &dialect{
		serialize: protocol.Thrift,
		service:   "InteropThrift",
		blob:      func(text string, data []byte) any { return &thriftmsg.Blob{Text: text, Data: data} },
		newBlob:   func() any { return new(thriftmsg.Blob) },
		blobOf: func(value any) (string, []byte) {
			blob := value.(*thriftmsg.Blob)
			return blob.Text, blob.Data
		},
		generate: func(textLen, dataLen int32) any {
			return &thriftmsg.Generate{TextLen: textLen, DataLen: dataLen}
		},
		everything: func(value *message.Everything) any {
			return &thriftmsg.Everything{Everything: *value}
		},
		newEverything: func() any { return new(thriftmsg.Everything) },
		everythingOf: func(value any) *message.Everything {
			return &value.(*thriftmsg.Everything).Everything
		},
		pick:    func(variant int) any { return &thriftmsg.Pick{Variant: int32(variant)} },
		newMade: func() any { return new(thriftmsg.Made) },
		madeOf: func(value any) (*message.Everything, map[string]string) {
			made := value.(*thriftmsg.Made)
			return &made.Value.Everything, made.Fields
		},
		newChecked: func() any { return new(thriftmsg.Checked) },
		checkedOf:  func(value any) message.Checked { return message.Checked(*value.(*thriftmsg.Checked)) },
		floats: func(floats message.Floats) any {
			converted := thriftmsg.Floats(floats)
			return &converted
		},
		newFloats: func() any { return new(thriftmsg.Floats) },
		floatsOf:  func(value any) message.Floats { return message.Floats(*value.(*thriftmsg.Floats)) },
	}
}

func decode(m *protocol.Message, into any) error {
	return share.Codecs[m.SerializeType()].Decode(m.Payload, into)
}
