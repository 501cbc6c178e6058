package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/trunkline-rpc/trunkline/interop/go/fleet/store"
)

func runStore(args []string) error {
	flags := flag.NewFlagSet("store", flag.ContinueOnError)
	endpoints := flags.String("etcd", "", "where etcd is, several with commas")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *endpoints == "" || flags.NArg() == 0 {
		return errors.New("expected --etcd HOST:PORT and get, list, watch, put, delete or revoke")
	}
	action := flags.Arg(0)
	options := flag.NewFlagSet(action, flag.ContinueOnError)
	ttl := options.Int64("ttl", 0, "put: under a new lease of so many seconds, which nobody keeps alive")
	lease := options.String("lease", "", "put: under this lease, hexadecimal")
	prefix := options.Bool("prefix", false, "delete: all keys with this prefix")
	if err := options.Parse(flags.Args()[1:]); err != nil {
		return err
	}
	expected := 1
	if action == "put" {
		expected = 2
	}
	if options.NArg() != expected {
		return fmt.Errorf("%s has %d arguments, expected %d", action, options.NArg(), expected)
	}
	etcd, err := store.Open(split(*endpoints))
	if err != nil {
		return err
	}
	defer etcd.Close()
	return doStore(etcd, action, options.Args(), *ttl, *lease, *prefix)
}

func doStore(etcd *store.Etcd, action string, args []string, ttl int64, lease string, prefix bool) error {
	switch action {
	case "get":
		entry, err := etcd.Get(args[0])
		if err != nil {
			return err
		}
		tell(map[string]any{"found": entry != nil, "entry": entry})
	case "list":
		entries, err := etcd.List(args[0])
		if err != nil {
			return err
		}
		for _, entry := range entries {
			tell(entry)
		}
	case "watch":
		ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
		defer cancel()
		go func() {
			<-inputEnded()
			cancel()
		}()
		begun := func() { tell(map[string]string{"watching": args[0]}) }
		return etcd.Watch(ctx, args[0], begun, func(event store.Event) { tell(event) })
	case "put":
		entry, err := etcd.Put(args[0], []byte(args[1]), ttl, lease)
		if err != nil {
			return err
		}
		tell(entry)
	case "delete":
		deleted, err := etcd.Delete(args[0], prefix)
		if err != nil {
			return err
		}
		tell(map[string]int64{"deleted": deleted})
	case "revoke":
		if err := etcd.Revoke(args[0]); err != nil {
			return err
		}
		tell(map[string]string{"revoked": args[0]})
	default:
		return fmt.Errorf("unknown action %q, expected get, list, watch, put, delete or revoke", action)
	}
	return nil
}
