package selection

import (
	"slices"
	"testing"

	"github.com/smallnest/rpcx/client"
)

func TestEachStepIsInForceWhenTheKeysAreAsked(t *testing.T) {
	steps := []string{"+tcp@127.0.0.1:9000", "+tcp@127.0.0.1:9001", "+tcp@127.0.0.1:9002", "-tcp@127.0.0.1:9001", "+tcp@127.0.0.1:9003"}
	keys := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"}
	first, err := HashHistory("Arith", "Mul", steps, keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range first {
		used := make(map[string]bool)
		for key, server := range step.Chosen {
			if !slices.Contains(step.Servers, server) {
				t.Errorf("after %s the key %s goes to %q, expected one of %v", step.Step, key, server, step.Servers)
			}
			used[server] = true
		}
		if len(used) != len(step.Servers) {
			t.Errorf("after %s the keys use %v, expected all of %v", step.Step, used, step.Servers)
		}
	}
	for range 20 {
		again, err := HashHistory("Arith", "Mul", steps, keys)
		if err != nil {
			t.Fatal(err)
		}
		for i := range again {
			for key, server := range again[i].Chosen {
				if server != first[i].Chosen[key] {
					t.Fatalf("after %s the key %s goes to %s, and went to %s before", again[i].Step, key, server, first[i].Chosen[key])
				}
			}
		}
	}
}

func TestAStepMustFitItsServers(t *testing.T) {
	for _, step := range []string{"", "tcp@a:1", "-tcp@a:1"} {
		if _, err := HashHistory("Fleet", "Keyed", []string{step}, nil); err == nil {
			t.Errorf("%q was taken for a step", step)
		}
	}
}

func TestWeightedChoicesFollowTheWeights(t *testing.T) {
	servers := []*client.KVPair{{Key: "a", Value: "weight=5"}, {Key: "b", Value: "weight=1"}, {Key: "c", Value: "weight=1"}}
	sequences, err := Sequences(client.WeightedRoundRobin, "", servers, nil, 14, 20)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, sequence := range sequences {
		seen += sequence.Seen
		counts := make(map[string]int)
		for _, server := range sequence.Chosen {
			counts[server]++
		}
		if counts["a"] != 10 || counts["b"] != 2 || counts["c"] != 2 {
			t.Errorf("chosen %v, expected 10, 2 and 2", counts)
		}
	}
	if seen != 20 {
		t.Errorf("%d clients, expected 20", seen)
	}
}

func TestAPanicIsAnAnswer(t *testing.T) {
	servers := []*client.KVPair{{Key: "a", Value: "weight=0"}, {Key: "b", Value: "weight=0"}}
	sequences, err := Sequences(client.WeightedRoundRobin, "", servers, nil, 1, 1)
	if err != nil || len(sequences) != 1 || sequences[0].Panic == "" {
		t.Errorf("got %+v and %v, expected a panic", sequences, err)
	}
}

func TestGroupAndStateAreFiltered(t *testing.T) {
	servers := []*client.KVPair{{Key: "a", Value: "group=g"}, {Key: "b", Value: "group=h&group=g"}, {Key: "c"}, {Key: "d", Value: "group=g&state=inactive"}}
	sequences, err := Sequences(client.RoundRobin, "g", servers, nil, 8, 1)
	if err != nil {
		t.Fatal(err)
	}
	chosen := sequences[0].Chosen
	slices.Sort(chosen)
	if got := slices.Compact(chosen); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("chosen %v, expected a and b", got)
	}
}

func TestDistanceIsInMetres(t *testing.T) {
	if metres := Distance(39.9042, 116.4074, 31.2304, 121.4737); metres < 1_068_499 || metres > 1_068_500 {
		t.Errorf("%v metres, expected 1068499.6", metres)
	}
}

func TestMetadataIsEncodedAsGoDoes(t *testing.T) {
	for input, expected := range map[string]string{
		"":                          "calls=0.00",
		"weight=3&group=a b":        "calls=0.00&group=a+b&weight=3",
		"a=1;b=2&weight=2":          "calls=0.00&weight=2",
		"p=a+b%20c&=v":              "=v&calls=0.00&p=a+b+c",
		"b=1&a=2&b=0&k=a*b'c~d-e_f": "a=2&b=1&b=0&calls=0.00&k=a%2Ab%27c~d-e_f",
	} {
		if told := Canonical(input, map[string]string{"calls": "0.00"}); told.Encoded != expected {
			t.Errorf("%q became %q, expected %q", input, told.Encoded, expected)
		}
	}
}
