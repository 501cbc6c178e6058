//! Compression of payloads: the table of compressors that a connection knows.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::header::CompressType;

/// A payload is compressed when it is longer than this: 1024 bytes stay as they are, 1025 are compressed.
pub const COMPRESS_THRESHOLD: usize = 1024;

/// A way to compress payloads. Both ends of a connection must know it by the same number.
///
/// ```
/// use trunkline_wire::{CompressError, CompressType, Compressor, Compressors};
///
/// /// Stores the bytes back to front.
/// struct Backwards;
///
/// impl Compressor for Backwards {
///     fn name(&self) -> &str {
///         "backwards"
///     }
///     fn compress(&self, input: &[u8], out: &mut Vec<u8>) -> Result<(), CompressError> {
///         out.extend(input.iter().rev());
///         Ok(())
///     }
///     fn decompress(&self, input: &[u8], limit: usize) -> Result<Vec<u8>, CompressError> {
///         if input.len() > limit {
///             return Err(CompressError::TooLarge { limit });
///         }
///         Ok(input.iter().rev().copied().collect())
///     }
/// }
///
/// let seven = CompressType::new(7).unwrap();
/// let compressors = Compressors::default().with(seven, Backwards)?;
/// assert_eq!(compressors.decompress(seven, &"olleh".into(), 100)?, "hello");
/// # Ok::<(), CompressError>(())
/// ```
pub trait Compressor: Send + Sync + 'static {
    /// A short name for messages, such as `gzip`.
    fn name(&self) -> &str;

    /// Appends the compressed `input` to `out`.
    ///
    /// # Errors
    ///
    /// When it cannot; what was appended by then is thrown away, and the payload may be sent plain.
    fn compress(&self, input: &[u8], out: &mut Vec<u8>) -> Result<(), CompressError>;

    /// The decompressed `input`.
    ///
    /// # Errors
    ///
    /// [`CompressError::TooLarge`] when the output would be longer than `limit`, found out without growing past it;
    /// [`CompressError::Corrupt`] when the input is not what [`compress`](Self::compress) gives.
    fn decompress(&self, input: &[u8], limit: usize) -> Result<Vec<u8>, CompressError>;

    /// How long the output will probably be, where that is seen without decompressing: memory can be asked for once.
    /// The input may lie; the hint should still be no more than such an input can become.
    fn inflated_len_hint(&self, input: &[u8]) -> Option<usize> {
        let _ = input;
        None
    }
}

/// The compressors that a connection knows, by number. Cheap to clone.
///
/// The default has gzip (feature `gzip`) as 1.
#[derive(Clone)]
pub struct Compressors {
    table: Arc<[Option<Arc<dyn Compressor>>; 8]>,
}

impl Compressors {
    /// A table that knows nothing but [`CompressType::NONE`].
    #[must_use]
    pub fn none() -> Self {
        Self { table: Arc::default() }
    }

    /// The same table with this compressor under this number, in place of the one that was there.
    ///
    /// # Errors
    ///
    /// [`CompressError::Reserved`] for number 0, which means that nothing is compressed.
    pub fn with(
        mut self,
        compress: CompressType,
        compressor: impl Compressor,
    ) -> Result<Self, CompressError> {
        if compress == CompressType::NONE {
            return Err(CompressError::Reserved { name: compressor.name().to_owned() });
        }
        Arc::make_mut(&mut self.table)[usize::from(compress.id())] = Some(Arc::new(compressor));
        Ok(self)
    }

    /// The compressor with this number. `None` for [`CompressType::NONE`], too.
    #[inline]
    #[must_use]
    pub fn get(&self, compress: CompressType) -> Option<&dyn Compressor> {
        self.table[usize::from(compress.id())].as_deref()
    }

    /// The compressor with this number, or an error that names those there are.
    ///
    /// # Errors
    ///
    /// [`CompressError::Unsupported`] when it is not in the table; [`CompressType::NONE`] never is.
    #[inline]
    pub fn require(&self, compress: CompressType) -> Result<&dyn Compressor, CompressError> {
        self.get(compress).ok_or_else(|| self.unsupported(compress))
    }

    /// The decompressed payload; the same bytes when the type is [`CompressType::NONE`].
    ///
    /// # Errors
    ///
    /// When the compressor is not in the table, the payload is not in its format, or the output would be longer than
    /// `limit`. The frame itself was fine: the stream is still in step.
    #[inline]
    pub fn decompress(
        &self,
        compress: CompressType,
        payload: &Bytes,
        limit: usize,
    ) -> Result<Bytes, CompressError> {
        if compress == CompressType::NONE {
            return Ok(payload.clone());
        }
        let inflated = self.require(compress)?.decompress(payload, limit)?;
        if inflated.len() > limit {
            return Err(CompressError::TooLarge { limit });
        }
        Ok(inflated.into())
    }

    fn known(&self) -> impl Iterator<Item = (usize, &str)> {
        self.table.iter().enumerate().filter_map(|(id, entry)| Some((id, entry.as_deref()?.name())))
    }

    #[cold]
    fn unsupported(&self, requested: CompressType) -> CompressError {
        let known = self.known().map(|(id, name)| format!("{id} {name}")).collect::<Vec<_>>().join(", ");
        CompressError::Unsupported(UnsupportedCompressor { requested, known })
    }
}

impl Default for Compressors {
    fn default() -> Self {
        #[cfg(feature = "gzip")]
        {
            let mut table = <[Option<Arc<dyn Compressor>>; 8]>::default();
            table[usize::from(CompressType::GZIP.id())] = Some(Arc::new(crate::Gzip::default()));
            Self { table: Arc::new(table) }
        }
        #[cfg(not(feature = "gzip"))]
        Self::none()
    }
}

impl fmt::Debug for Compressors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.known()).finish()
    }
}

/// Why a payload could not be compressed or decompressed.
#[derive(Debug)]
pub enum CompressError {
    /// The header names a compressor that is not in the table.
    Unsupported(UnsupportedCompressor),
    /// The output would be longer than the limit.
    TooLarge {
        /// The limit, such as [`Limits::inflated`](crate::Limits::inflated).
        limit: usize,
    },
    /// The payload is not in the compressor's format.
    Corrupt {
        /// The compressor's name.
        name: String,
        /// What the compressor says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The compressor could not compress.
    Failed {
        /// The compressor's name.
        name: String,
        /// What the compressor says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Number 0 cannot be given to a compressor.
    Reserved {
        /// The compressor's name.
        name: String,
    },
}

impl CompressError {
    /// The payload is not in the format of the compressor called `name`.
    pub fn corrupt(name: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Corrupt { name: name.into(), source: source.into() }
    }

    /// The compressor called `name` could not compress.
    pub fn failed(name: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed { name: name.into(), source: source.into() }
    }
}

impl fmt::Display for CompressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(unsupported) => unsupported.fmt(f),
            Self::TooLarge { limit } => write!(f, "decompressed payload is over the limit of {limit} bytes"),
            Self::Corrupt { name, source } => write!(f, "payload is not valid {name}: {source}"),
            Self::Failed { name, source } => {
                write!(f, "payload could not be compressed with {name}: {source}")
            }
            Self::Reserved { name } => {
                write!(f, "compress type 0 means not compressed and cannot be given to {name}; use 1 to 7")
            }
        }
    }
}

impl Error for CompressError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Corrupt { source, .. } | Self::Failed { source, .. } => Some(&**source),
            _ => None,
        }
    }
}

/// A compressor that is not in the table, and those that are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedCompressor {
    /// The compressor that the header names.
    pub requested: CompressType,
    known: String,
}

impl fmt::Display for UnsupportedCompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = if self.known.is_empty() { "none" } else { &self.known };
        write!(f, "unsupported compressor {} (known: {known})", self.requested.id())
    }
}
