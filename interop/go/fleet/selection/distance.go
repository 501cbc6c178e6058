package selection

import (
	_ "unsafe" // for the linkname below

	_ "github.com/smallnest/rpcx/client" // which has the function
)

// Distance is rpcx's own distance in metres between two places, by which its Closest mode compares.
// It exports none, so that this is linked to the function inside.
//
//go:linkname Distance github.com/smallnest/rpcx/client.getDistanceFrom
func Distance(latitude1, longitude1, latitude2, longitude2 float64) float64
