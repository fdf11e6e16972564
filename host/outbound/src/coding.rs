//! gzip and zstd: of request bodies as configured, of answers as they come, never beyond a limit of bytes.

use std::io::{Read, Write};

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::failure::{Class, Failure};

/// Smaller bodies are sent as they are: what is saved is less than a packet.
const COMPRESSED_BYTES_MIN: usize = 1024;
/// A window of 8 MiB: what RFC 9659 lets a server use, and all the memory that a hostile one can make us take.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// How request bodies of 1 KiB and more are compressed. Default: not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// As they are.
    #[default]
    None,
    /// gzip, its fastest level: half the size of the best costs a tenth of the time.
    Gzip,
    /// zstd, its default level.
    Zstd,
}

/// The body compressed, and the value of `content-encoding`; none where it is to be sent as it is.
pub(crate) fn encode(
    body: &[u8],
    compression: Compression,
) -> std::io::Result<Option<(Vec<u8>, &'static str)>> {
    if body.len() < COMPRESSED_BYTES_MIN {
        return Ok(None);
    }
    match compression {
        Compression::None => Ok(None),
        Compression::Gzip => {
            let room = Vec::with_capacity(body.len() / 4);
            let mut encoder = GzEncoder::new(room, flate2::Compression::fast());
            encoder.write_all(body)?;
            Ok(Some((encoder.finish()?, "gzip")))
        }
        Compression::Zstd => {
            let encoded = zstd::stream::encode_all(body, zstd::DEFAULT_COMPRESSION_LEVEL)?;
            Ok(Some((encoded, "zstd")))
        }
    }
}

/// The body of an answer as it was before its `content-encoding`, and whether that changed it.
pub(crate) fn decode(
    body: Vec<u8>,
    coding: &str,
    bytes_max: usize,
) -> Result<(Vec<u8>, bool), Failure> {
    // An answer to HEAD, or a 204, has the header and no body.
    if body.is_empty() {
        return Ok((body, false));
    }
    let decoded = match coding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => return Ok((body, false)),
        "gzip" | "x-gzip" => read(MultiGzDecoder::new(body.as_slice()), bytes_max)?,
        "zstd" => {
            let mut decoder = zstd::stream::read::Decoder::new(body.as_slice()).map_err(broken)?;
            decoder
                .window_log_max(ZSTD_WINDOW_LOG_MAX)
                .map_err(broken)?;
            read(decoder, bytes_max)?
        }
        _ => {
            let detail =
                "its content-encoding is neither gzip nor zstd, and no other was asked for";
            return Err(Failure::new(Class::BrokenAnswer, detail));
        }
    };
    Ok((decoded, true))
}

fn read(from: impl Read, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let mut decoded = Vec::new();
    from.take(bytes_max as u64 + 1)
        .read_to_end(&mut decoded)
        .map_err(broken)?;
    if decoded.len() > bytes_max {
        return Err(too_large(bytes_max));
    }
    Ok(decoded)
}

fn broken(error: std::io::Error) -> Failure {
    let detail = format!("its body cannot be decompressed: {error}");
    Failure::new(Class::BrokenAnswer, detail)
}

/// The answer is larger than the limit, compressed or not.
pub(crate) fn too_large(bytes_max: usize) -> Failure {
    let detail = format!("the answer is larger than {bytes_max} bytes, the limit for this use");
    Failure::new(Class::TooLarge, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_can_be_decoded() {
        let body = "weir ".repeat(1000).into_bytes();
        for compression in [Compression::Gzip, Compression::Zstd] {
            let encoded = encode(&body, compression).expect("memory");
            let (encoded, coding) = encoded.expect("a large body");
            assert!(encoded.len() < body.len() / 10);
            let decoded = decode(encoded.clone(), coding, body.len()).expect("room for it");
            assert_eq!(decoded, (body.clone(), true));
            let error = decode(encoded, coding, body.len() - 1).expect_err("no room for it");
            assert_eq!(error.class, Class::TooLarge);
        }
        assert!(encode(&body, Compression::None).expect("memory").is_none());
        let small = &body[..1023];
        assert!(encode(small, Compression::Gzip).expect("memory").is_none());
    }

    #[test]
    fn half_a_body_is_broken() {
        let body = b"weir".repeat(1000);
        for compression in [Compression::Gzip, Compression::Zstd] {
            let encoded = encode(&body, compression).expect("memory");
            let (mut encoded, coding) = encoded.expect("a large body");
            encoded.truncate(encoded.len() / 2);
            let error = decode(encoded, coding, body.len()).expect_err("half of it");
            assert_eq!(error.class, Class::BrokenAnswer, "{coding}");
        }
        let error = decode(body.clone(), "br", body.len()).expect_err("not asked for");
        assert_eq!(error.class, Class::BrokenAnswer);
        assert!(decode(Vec::new(), "br", 0).is_ok(), "HEAD");
    }
}
