module github.com/trunkline-rpc/trunkline/interop/go/trunklineerr

go 1.21
