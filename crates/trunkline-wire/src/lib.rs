//! The rpcx wire format.
