// Package cli is the command line of a member or a caller of a fleet.
package cli

import (
	"encoding/json"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/smallnest/rpcx/log"
)

const usage = `usage:
  fleet server [--addr 127.0.0.1:0] --name INSTANCE [--metadata 'weight=3&group=a'] [--delay 2ms]
               [--etcd HOST:PORT --base /rpcx_test --update 2s [--expire 2s] [--metrics] [--await-start]]
      serves Fleet, registered in etcd if there is one, until SIGTERM comes (rpcx's Shutdown) or
      standard input ends (at once); prints a line when it is ready and one when it has shut down
  fleet client (--servers LIST | --etcd HOST:PORT [--base /rpcx_test] [--allow-empty])
               [--select random|roundrobin|weighted|icmp|hash|closest] [--lat N --lon N] [--group G]
               [--fail failover|failfast|failtry|failbackup] [--retries 3] [--retry-interval 0s]
               [--backup-latency 10ms] [--connect-timeout 1s] [--codec msgpack|json]
      does the commands on standard input, one JSON object a line, and answers each with a line
  fleet store --etcd HOST:PORT get KEY | list PREFIX | watch PREFIX | put [--ttl S | --lease HEX] KEY VALUE
              | delete [--prefix] KEY | revoke LEASE
      shows and changes what etcd holds; bytes also in base64
  fleet hash --steps +tcp@h:1,+tcp@h:2,-tcp@h:1 --keys k0,k1 [--path Fleet] [--method Keyed] [--jump 1,2,3]
      where rpcx's consistent hash sends calls with these arguments, after each step
  fleet choose --select MODE --servers LIST [--group G] [--lat N --lon N] [--n 10] [--clients 1]
      what rpcx's selector chooses, in order, for so many clients
  fleet wrr --weights 5,1,1 [--n 14] [--clients 50]
      the same for the mode weighted and servers 0, 1, … of these weights
  fleet distance LAT1,LON1 LAT2,LON2
      in metres, as rpcx's closest mode counts
  fleet metadata [--set calls=0.00]... [INPUT]...
      how Go reads each metadata and what a registry tick writes back
LIST is tcp@host:port?weight=5,tcp@host:port?group=a; a comma in metadata is %2C
`

// Main runs the program and returns its exit code: 0 done, 2 it could not.
func Main(args []string) int {
	// rpcx logs to standard output unless told otherwise; ours is for results.
	log.SetLogger(log.NewDefaultLogger(os.Stderr, "", stdlog.LstdFlags, log.LvError))
	modes := map[string]func([]string) error{
		"server": runServer, "client": runClient, "store": runStore,
		"hash": runHash, "choose": runChoose, "wrr": runWeights, "distance": runDistance, "metadata": runMetadata,
	}
	if len(args) == 0 || modes[args[0]] == nil {
		fmt.Fprint(os.Stderr, usage)
		return 2
	}
	if err := modes[args[0]](args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "fleet %s: %v\n", args[0], err)
		return 2
	}
	return 0
}

var output sync.Mutex // a line is written whole

func tell(value any) {
	line, err := marshal(value)
	if err != nil {
		line = fmt.Appendf(nil, `{"ok":false,"error":%q}`, err.Error())
	}
	output.Lock()
	defer output.Unlock()
	fmt.Printf("%s\n", line)
}

// marshal leaves & as it is, which metadata is full of.
func marshal(value any) ([]byte, error) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return []byte(strings.TrimSuffix(text.String(), "\n")), err
}

// inputEnded yields when there is no more standard input.
func inputEnded() <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	return ended
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// builtWith is the version of a module that this program was built with.
func builtWith(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == path {
				return module.Version
			}
		}
	}
	return "unknown"
}

func rpcxVersion() string { return builtWith("github.com/smallnest/rpcx") }
