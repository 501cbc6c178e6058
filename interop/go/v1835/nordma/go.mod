// Stands in for the module that rpcx v1.8.35 imports on Linux for its rdma network, and that
// compiles only where the RDMA libraries and their C headers are installed.
module github.com/smallnest/rsocket

go 1.23
