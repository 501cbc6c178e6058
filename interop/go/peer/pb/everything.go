package pb

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/trunkline-rpc/trunkline/interop/go/peer/message"
)

// FromEverything gives the protobuf form of a value.
func FromEverything(m *message.Everything) *Everything {
	value := &Everything{
		UserId:    m.UserID,
		TraceId:   m.TraceID,
		Shard:     uint32(m.Shard),
		NilRef:    fromInner(m.NilRef),
		SetRef:    fromInner(m.SetRef),
		NilList:   m.NilList,
		List:      m.List,
		EmptyList: m.EmptyList,
		Fixed:     m.Fixed[:],
		Data:      m.Data,
		Created:   timestamppb.New(m.Created),
		Counts:    make(map[string]int64, len(m.Counts)),
		Names:     m.Names,
		Masks:     m.Masks,
		Note:      m.Note,
		Ints: &Ints{
			I8: int32(m.Ints.I8), U8: uint32(m.Ints.U8), I16: int32(m.Ints.I16), U16: uint32(m.Ints.U16),
			I32: m.Ints.I32, U32: m.Ints.U32, Min64: m.Ints.Min64, Max64: m.Ints.Max64,
			U64: m.Ints.U64, Int: int64(m.Ints.Int), Uint: uint64(m.Ints.Uint),
		},
		F32:      m.F32,
		F64:      m.F64,
		Flag:     m.Flag,
		Text:     m.Text,
		Empty:    m.Empty,
		Wait:     int64(m.Wait),
		HttpUrl:  m.HTTPURL,
		Nickname: m.Nickname,
		OptInt:   m.OptInt,
	}
	for key, count := range m.Counts {
		value.Counts[key] = int64(count)
	}
	for _, items := range m.Nested {
		value.Nested = append(value.Nested, &StringList{Items: items})
	}
	for i := range m.Items {
		value.Items = append(value.Items, fromInner(&m.Items[i]))
	}
	return value
}

// Everything gives the Go form of a value; what protobuf cannot tell from empty comes back nil.
func (x *Everything) Everything() *message.Everything {
	m := &message.Everything{
		UserID:    x.GetUserId(),
		Base:      message.Base{TraceID: x.GetTraceId(), Shard: uint16(x.GetShard())},
		NilRef:    x.GetNilRef().inner(),
		SetRef:    x.GetSetRef().inner(),
		NilList:   x.GetNilList(),
		List:      x.GetList(),
		EmptyList: x.GetEmptyList(),
		Data:      x.GetData(),
		Names:     x.GetNames(),
		Masks:     x.GetMasks(),
		Note:      x.GetNote(),
		Ints: message.Ints{
			I8: int8(x.GetInts().GetI8()), U8: uint8(x.GetInts().GetU8()), I16: int16(x.GetInts().GetI16()),
			U16: uint16(x.GetInts().GetU16()), I32: x.GetInts().GetI32(), U32: x.GetInts().GetU32(),
			Min64: x.GetInts().GetMin64(), Max64: x.GetInts().GetMax64(), U64: x.GetInts().GetU64(),
			Int: int(x.GetInts().GetInt()), Uint: uint(x.GetInts().GetUint()),
		},
		F32:      x.GetF32(),
		F64:      x.GetF64(),
		Flag:     x.GetFlag(),
		Text:     x.GetText(),
		Empty:    x.GetEmpty(),
		Wait:     time.Duration(x.GetWait()),
		HTTPURL:  x.GetHttpUrl(),
		Nickname: x.GetNickname(),
		OptInt:   x.OptInt,
	}
	copy(m.Fixed[:], x.GetFixed())
	if x.GetCreated() != nil {
		m.Created = x.GetCreated().AsTime()
	}
	if len(x.GetCounts()) > 0 {
		m.Counts = make(map[string]int, len(x.GetCounts()))
		for key, count := range x.GetCounts() {
			m.Counts[key] = int(count)
		}
	}
	for _, nested := range x.GetNested() {
		m.Nested = append(m.Nested, nested.GetItems())
	}
	for _, item := range x.GetItems() {
		m.Items = append(m.Items, *item.inner())
	}
	return m
}

func fromInner(m *message.Inner) *Inner {
	if m == nil {
		return nil
	}
	return &Inner{Id: m.ID, Label: m.Label, Scores: m.Scores}
}

func (x *Inner) inner() *message.Inner {
	if x == nil {
		return nil
	}
	return &message.Inner{ID: x.Id, Label: x.Label, Scores: x.Scores}
}
