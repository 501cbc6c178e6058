// Built only as a part of fleet194 and fleet1835, whose go.mod files say which rpcx and which
// rpcx-etcd it is built with. It requires nothing of its own, so that neither is pulled past the
// versions that its rpcx asks for.
module github.com/trunkline-rpc/trunkline/interop/go/fleet

go 1.26
