// Command peer is the other end of an interop run, built with the rpcx that go.mod names.
package main

import (
	"os"

	_ "github.com/smallnest/rpcx/share" // so that go.mod names rpcx as its own requirement

	"github.com/trunkline-rpc/trunkline/interop/go/peer/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:]))
}
