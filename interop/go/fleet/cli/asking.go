package cli

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/smallnest/rpcx/client"

	"github.com/trunkline-rpc/trunkline/interop/go/fleet/call"
	"github.com/trunkline-rpc/trunkline/interop/go/fleet/message"
	"github.com/trunkline-rpc/trunkline/interop/go/fleet/selection"
)

func runHash(args []string) error {
	flags := flag.NewFlagSet("hash", flag.ContinueOnError)
	steps := flags.String("steps", "", "+server or -server, with commas")
	keys := flags.String("keys", "", "arguments of calls, with commas")
	path := flags.String("path", message.Service, "the service that is called")
	method := flags.String("method", "Keyed", "that is called")
	jump := flags.String("jump", "", "numbers of buckets to tell rpcx's jump hash for")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var buckets []int32
	for _, text := range split(*jump) {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no number of buckets, expected 1 or more", text)
		}
		buckets = append(buckets, int32(n))
	}
	for _, key := range split(*keys) {
		tell(selection.HashKey(*path, *method, key, buckets))
	}
	told, err := selection.HashHistory(*path, *method, split(*steps), split(*keys))
	for _, step := range told {
		tell(step)
	}
	return err
}

func runChoose(args []string) error {
	flags := flag.NewFlagSet("choose", flag.ContinueOnError)
	selectName := flags.String("select", "", "the select mode")
	list := flags.String("servers", "", "a static list")
	group := flags.String("group", "", "only nodes of this group")
	latitude := flags.Float64("lat", 0, "of the caller")
	longitude := flags.Float64("lon", 0, "of the caller")
	n := flags.Int("n", 10, "choices of each client")
	clients := flags.Int("clients", 1, "how many choose")
	if err := flags.Parse(args); err != nil {
		return err
	}
	mode, err := call.ParseSelect(*selectName)
	if err != nil {
		return err
	}
	servers, err := call.ParseServers(*list)
	if err != nil {
		return err
	}
	return tellSequences(mode, *group, servers, place(flags, latitude, longitude), *n, *clients)
}

func runWeights(args []string) error {
	flags := flag.NewFlagSet("wrr", flag.ContinueOnError)
	weights := flags.String("weights", "", "of the servers, with commas; written as they are")
	n := flags.Int("n", 14, "choices of each client")
	clients := flags.Int("clients", 50, "how many choose")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var servers []*client.KVPair
	for i, weight := range split(*weights) {
		servers = append(servers, &client.KVPair{Key: strconv.Itoa(i), Value: "weight=" + weight})
	}
	return tellSequences(client.WeightedRoundRobin, "", servers, nil, *n, *clients)
}

func tellSequences(mode client.SelectMode, group string, servers []*client.KVPair, at *[2]float64, n, clients int) error {
	if mode == client.Closest && at == nil {
		return errors.New("the select mode closest needs --lat and --lon")
	}
	sequences, err := selection.Sequences(mode, group, servers, at, n, clients)
	for _, sequence := range sequences {
		tell(sequence)
	}
	return err
}

func runDistance(args []string) error {
	if len(args) != 2 {
		return errors.New("expected LAT1,LON1 LAT2,LON2")
	}
	var places [4]float64
	for i, place := range args {
		latitude, longitude, _ := strings.Cut(place, ",")
		for j, text := range []string{latitude, longitude} {
			number, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return fmt.Errorf("%q is no place, expected LATITUDE,LONGITUDE: %w", place, err)
			}
			places[2*i+j] = number
		}
	}
	metres := selection.Distance(places[0], places[1], places[2], places[3])
	tell(map[string]string{
		"metres": strconv.FormatFloat(metres, 'g', -1, 64), // as text: it may be NaN
		"bits":   fmt.Sprintf("%016x", math.Float64bits(metres)),
	})
	return nil
}

func runMetadata(args []string) error {
	flags := flag.NewFlagSet("metadata", flag.ContinueOnError)
	set := make(map[string]string)
	flags.Func("set", "NAME=VALUE that is put in, as a tick with metrics does", func(text string) error {
		name, value, _ := strings.Cut(text, "=")
		set[name] = value
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	for _, input := range flags.Args() {
		tell(selection.Canonical(input, set))
	}
	return nil
}
