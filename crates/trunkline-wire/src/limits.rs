//! How much a peer may make us hold.

/// Bounds on what is accepted from the far end. All are finite by default.
///
/// ```
/// use trunkline_wire::Limits;
///
/// let limits = Limits::default().with_frame(1 << 20).with_inflated(8 << 20);
/// assert_eq!(limits.metadata, 1 << 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest `total` field accepted, in bytes: everything of a frame but its first 16. 64 MiB.
    pub frame: usize,
    /// The largest metadata block accepted, in bytes. 1 MiB.
    pub metadata: usize,
    /// The largest payload after decompression, in bytes. 256 MiB.
    pub inflated: usize,
    /// Accept a payload length field that disagrees with the frame's length, taking the rest of the body as Go does.
    /// No known peer writes such a frame, so it is refused unless this is set.
    pub accept_payload_length_mismatch: bool,
}

impl Limits {
    /// Sets [`Limits::frame`].
    #[must_use]
    pub const fn with_frame(mut self, bytes: usize) -> Self {
        self.frame = bytes;
        self
    }

    /// Sets [`Limits::metadata`].
    #[must_use]
    pub const fn with_metadata(mut self, bytes: usize) -> Self {
        self.metadata = bytes;
        self
    }

    /// Sets [`Limits::inflated`].
    #[must_use]
    pub const fn with_inflated(mut self, bytes: usize) -> Self {
        self.inflated = bytes;
        self
    }

    /// Sets [`Limits::accept_payload_length_mismatch`].
    #[must_use]
    pub const fn with_accept_payload_length_mismatch(mut self, accept: bool) -> Self {
        self.accept_payload_length_mismatch = accept;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: 64 << 20,
            metadata: 1 << 20,
            inflated: 256 << 20,
            accept_payload_length_mismatch: false,
        }
    }
}
