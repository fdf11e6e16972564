//! Encodings and checksums.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::functions::{Function, function};
use crate::value::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    function("b64enc", 1, 1, |_, arguments| {
        Ok(Value::text(STANDARD.encode(arguments.text(0)?)))
    }),
    function("b64dec", 1, 1, |_, arguments| {
        let text = arguments.text(0)?.replace(['\r', '\n'], "");
        Ok(match STANDARD.decode(text) {
            Ok(bytes) => Value::text(String::from_utf8_lossy(&bytes)),
            Err(error) => Value::text(format!("illegal base64 data: {error}")),
        })
    }),
    function("b32enc", 1, 1, |_, arguments| {
        Ok(Value::text(base32(arguments.text(0)?)))
    }),
    function("b32dec", 1, 1, |_, arguments| {
        Ok(match from_base32(arguments.text(0)?) {
            Some(bytes) => Value::text(String::from_utf8_lossy(&bytes)),
            None => Value::borrowed("illegal base32 data"),
        })
    }),
    function("sha1sum", 1, 1, |_, arguments| {
        Ok(Value::text(hex(&Sha1::digest(arguments.text(0)?))))
    }),
    function("sha256sum", 1, 1, |_, arguments| {
        Ok(Value::text(hex(&Sha256::digest(arguments.text(0)?))))
    }),
    function("adler32sum", 1, 1, |_, arguments| {
        Ok(Value::text(
            adler32(arguments.text(0)?.as_bytes()).to_string(),
        ))
    }),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (mut sum, mut of_sums) = (1_u32, 0_u32);
    for byte in bytes {
        sum = (sum + u32::from(*byte)) % MODULUS;
        of_sums = (of_sums + sum) % MODULUS;
    }
    of_sums << 16 | sum
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// RFC 4648 with padding: five bytes are eight characters.
fn base32(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len().div_ceil(5) * 8);
    for group in text.as_bytes().chunks(5) {
        let mut bytes = [0_u8; 8];
        bytes[3..3 + group.len()].copy_from_slice(group);
        let bits = u64::from_be_bytes(bytes);
        let characters = (group.len() * 8).div_ceil(5);
        for at in 0..8 {
            let index = (bits >> (35 - 5 * at) & 31) as usize;
            encoded.push(if at < characters {
                char::from(ALPHABET[index])
            } else {
                '='
            });
        }
    }
    encoded
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let text = text.replace(['\r', '\n'], "");
    if !text.len().is_multiple_of(8) {
        return None;
    }
    let digits = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(digits.len() * 5 / 8);
    let (mut bits, mut count) = (0_u32, 0);
    for character in digits.bytes() {
        let index = ALPHABET.iter().position(|known| *known == character)?;
        bits = bits << 5 | u32::try_from(index).ok()?;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 255) as u8);
        }
    }
    Some(bytes)
}
