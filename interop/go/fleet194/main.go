// Command fleet is a member or a caller of a fleet, built with the rpcx and rpcx-etcd that go.mod names.
package main

import (
	"os"

	_ "github.com/rpcxio/rpcx-etcd/client"
	_ "github.com/smallnest/rpcx/share" // so that go.mod names rpcx, its etcd plugins and etcd's client as its own requirements
	_ "go.etcd.io/etcd/client/v3"

	"github.com/trunkline-rpc/trunkline/interop/go/fleet/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:]))
}
