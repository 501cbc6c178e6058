// Built only as a part of v194, v1835 and v174, whose go.mod files say which rpcx (and so which
// codecs) it is built with. It requires nothing of its own, so that no peer is pulled past the
// versions that its rpcx asks for.
module github.com/trunkline-rpc/trunkline/interop/go/peer

go 1.26
