package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/smallnest/rpcx/client"
	"github.com/smallnest/rpcx/protocol"

	"github.com/trunkline-rpc/trunkline/interop/go/fleet/call"
	"github.com/trunkline-rpc/trunkline/interop/go/fleet/serve"
)

func runServer(args []string) error {
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	settings := serve.Settings{Rpcx: rpcxVersion()}
	flags.StringVar(&settings.Address, "addr", "127.0.0.1:0", "where to listen")
	flags.StringVar(&settings.Name, "name", "", "by which callers tell members apart")
	flags.StringVar(&settings.Metadata, "metadata", "", "of the node in the registry")
	flags.DurationVar(&settings.Delay, "delay", 0, "that every answer takes")
	etcd := flags.String("etcd", "", "where etcd is, several with commas; none: no registration")
	flags.StringVar(&settings.Base, "base", "/rpcx_test", "rpcx's base path in etcd")
	flags.DurationVar(&settings.Update, "update", 2*time.Second, "rpcx's update interval; the node appears with the first")
	flags.DurationVar(&settings.Expire, "expire", 0, "rpcx's expiry, by default the update interval")
	flags.BoolVar(&settings.Metrics, "metrics", false, "ticks write calls and connections")
	flags.BoolVar(&settings.AwaitStart, "await-start", false, "the plugin gets rpcx's started channel, and writes the node at the start")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if settings.Name == "" {
		return errors.New("--name is missing, expected the name of this member")
	}
	settings.Etcd = split(*etcd)

	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM, os.Interrupt)
	ended := inputEnded()
	member, err := serve.Listen(settings)
	if err != nil {
		return err
	}
	ready := map[string]any{
		"ready": true, "name": settings.Name, "listening": member.Address(), "node": member.Node(), "pid": os.Getpid(),
		"rpcx": rpcxVersion(), "rpcx_etcd": builtWith("github.com/rpcxio/rpcx-etcd"),
	}
	entry, took, err := member.Registered()
	if err != nil {
		return err
	}
	if entry != nil {
		ready["registered"], ready["registered_after_ms"] = entry, took.Milliseconds()
	}
	tell(ready)

	select {
	case <-terminated:
		begin := time.Now()
		err := member.Shutdown(10 * time.Second)
		summary := member.Summary()
		summary["stopped"], summary["took_ms"] = true, time.Since(begin).Milliseconds()
		tell(summary)
		return err
	case <-ended:
		member.Close()
		return nil
	case err := <-member.Failed():
		return err
	}
}

func runClient(args []string) error {
	flags := flag.NewFlagSet("client", flag.ContinueOnError)
	settings := call.Settings{Option: client.DefaultOption}
	servers := flags.String("servers", "", "a static list")
	etcd := flags.String("etcd", "", "where etcd is, several with commas")
	flags.StringVar(&settings.Base, "base", "/rpcx_test", "rpcx's base path in etcd")
	flags.BoolVar(&settings.AllowEmpty, "allow-empty", false, "rpcx's allowKeyNotFound: start, and go on, without any server in etcd")
	selectName := flags.String("select", "random", "the select mode")
	failName := flags.String("fail", "failover", "the fail mode")
	latitude := flags.Float64("lat", 0, "of the caller")
	longitude := flags.Float64("lon", 0, "of the caller")
	codec := flags.String("codec", "msgpack", "msgpack or json")
	flags.StringVar(&settings.Option.Group, "group", "", "only nodes of this group are called")
	flags.IntVar(&settings.Option.Retries, "retries", settings.Option.Retries, "after the first attempt")
	flags.DurationVar(&settings.Option.RetryInterval, "retry-interval", settings.Option.RetryInterval, "between attempts")
	flags.DurationVar(&settings.Option.BackupLatency, "backup-latency", settings.Option.BackupLatency, "until failbackup sends again")
	flags.DurationVar(&settings.Option.ConnectTimeout, "connect-timeout", settings.Option.ConnectTimeout, "of each dial")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if settings.Select, err = call.ParseSelect(*selectName); err != nil {
		return err
	}
	if settings.Fail, err = call.ParseFail(*failName); err != nil {
		return err
	}
	if settings.Servers, err = call.ParseServers(*servers); err != nil {
		return err
	}
	if settings.Etcd = split(*etcd); len(settings.Etcd) == 0 && *servers == "" {
		return errors.New("expected --servers or --etcd")
	}
	settings.Place = place(flags, latitude, longitude)
	switch *codec {
	case "msgpack":
	case "json":
		settings.Option.SerializeType = protocol.JSON
	default:
		return fmt.Errorf("unknown codec %q, expected msgpack or json", *codec)
	}

	session, err := call.Open(settings, tell)
	if err != nil {
		return err
	}
	defer session.Close()
	tell(map[string]any{"ready": true, "rpcx": rpcxVersion(), "rpcx_etcd": builtWith("github.com/rpcxio/rpcx-etcd")})

	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var command call.Command
		decoder := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		// A misspelt field would do something else than was meant.
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&command); err != nil {
			tell(call.Result{Error: fmt.Sprintf("this is no command: %v", err)})
			continue
		}
		tell(session.Run(command))
	}
	return lines.Err()
}

// place is where the caller is, nil unless both halves were given.
func place(flags *flag.FlagSet, latitude, longitude *float64) *[2]float64 {
	given := 0
	flags.Visit(func(f *flag.Flag) {
		if f.Name == "lat" || f.Name == "lon" {
			given++
		}
	})
	if given < 2 {
		return nil
	}
	return &[2]float64{*latitude, *longitude}
}
