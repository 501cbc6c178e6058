//! The number of a format in a frame's header.

/// The number of a format in a frame's header, 0 to 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SerializeType(u8);

impl SerializeType {
    /// Bytes as they are.
    pub const RAW: Self = Self(0);
    /// JSON.
    pub const JSON: Self = Self(1);
    /// Protobuf.
    pub const PROTOBUF: Self = Self(2);
    /// MessagePack.
    pub const MSGPACK: Self = Self(3);
    /// Thrift binary.
    pub const THRIFT: Self = Self(4);

    /// `None` above 15.
    pub const fn new(id: u8) -> Option<Self> {
        if id < 16 { Some(Self(id)) } else { None }
    }

    /// The number.
    pub const fn id(self) -> u8 {
        self.0
    }
}
