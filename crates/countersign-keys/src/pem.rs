//! PEM, read strictly (RFC 7468, section 3): blocks and white space, and nothing else.
//!
//! Text around blocks is refused though the RFC allows it: what one reader skips, another may take for a block.

use base64_simd::STANDARD;
use zeroize::Zeroizing;

/// A block's label and content.
pub(crate) struct Block<'t> {
    pub(crate) label: &'t str,
    pub(crate) content: Zeroizing<Vec<u8>>,
}

/// Whether this is meant to be PEM.
pub(crate) fn is_pem(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"-----BEGIN")
}

/// Every block, at least one and at most `most`, or what is wrong.
pub(crate) fn blocks(text: &[u8], most: usize) -> Result<Vec<Block<'_>>, &'static str> {
    let text = std::str::from_utf8(text).map_err(|_| "the PEM has bytes that are no text")?;
    let mut rest = text.trim_ascii();
    let mut blocks = Vec::new();
    while !rest.is_empty() {
        if blocks.len() == most {
            return Err("the PEM has too many blocks: leave only what is asked for");
        }
        let (block, after) = block(rest)?;
        blocks.push(block);
        rest = after.trim_ascii_start();
    }
    if blocks.is_empty() { Err("the PEM is empty") } else { Ok(blocks) }
}

fn block(text: &str) -> Result<(Block<'_>, &str), &'static str> {
    const BEGIN: &str =
        "a PEM block begins with a line `-----BEGIN LABEL-----`, and nothing stands before it";
    let (label, rest) =
        text.strip_prefix("-----BEGIN ").and_then(|rest| rest.split_once("-----")).ok_or(BEGIN)?;
    if label.is_empty() || !label.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b' ') {
        return Err(BEGIN);
    }
    if !rest.starts_with(['\n', '\r']) {
        return Err(BEGIN);
    }
    let (inner, rest) =
        rest.split_once("-----END ").ok_or("the PEM block has no end: copy the line `-----END …`, too")?;
    let rest = rest
        .strip_prefix(label)
        .and_then(|rest| rest.strip_prefix("-----"))
        .ok_or("the PEM block ends with another label than it began with")?;
    if inner.contains(':') {
        return Err(
            "the PEM block has headers, so it is likely encrypted: decrypt it, with `openssl pkey -in FILE`",
        );
    }
    let mut base64 = Zeroizing::new(Vec::with_capacity(inner.len()));
    base64.extend(inner.bytes().filter(|b| !matches!(b, b'\n' | b'\r' | b' ' | b'\t')));
    let content = STANDARD.decode_to_vec(&*base64).map_err(|_| "the PEM block is not base64")?;
    if content.is_empty() {
        return Err("the PEM block is empty");
    }
    Ok((Block { label, content: Zeroizing::new(content) }, rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, Vec<u8>)>, &'static str> {
        let blocks = blocks(text.as_bytes(), 2)?;
        Ok(blocks.iter().map(|block| (block.label.to_owned(), block.content.to_vec())).collect())
    }

    #[test]
    fn blocks_are_read_with_any_line_ends() {
        let one = vec![("PUBLIC KEY".to_owned(), b"hello".to_vec())];
        for text in [
            "-----BEGIN PUBLIC KEY-----\naGVsbG8=\n-----END PUBLIC KEY-----\n",
            "\r\n-----BEGIN PUBLIC KEY-----\r\naGVs\r\nbG8=\r\n-----END PUBLIC KEY-----",
        ] {
            assert_eq!(read(text).unwrap(), one);
            assert_eq!(read(&format!("{text}\n{text}")).unwrap().len(), 2);
        }
    }

    #[test]
    fn whatever_else_is_there_is_refused() {
        for bad in [
            "",
            "hello",
            "x\n-----BEGIN A-----\naGVsbG8=\n-----END A-----",
            "-----BEGIN A-----\naGVsbG8=\n-----END A-----x",
            "-----BEGIN A-----\naGVsbG8=\n-----END B-----",
            "-----BEGIN A-----\naGVsbG8=\n",
            "-----BEGIN A-----aGVsbG8=-----END A-----",
            "-----BEGIN a-----\naGVsbG8=\n-----END a-----",
            "-----BEGIN A-----\naGVsbG8\n-----END A-----",
            "-----BEGIN A-----\naGVsbG9=\n-----END A-----",
            "-----BEGIN A-----\n-----END A-----",
            "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\naGVsbG8=\n-----END A-----",
            "-----BEGIN A-----\nAA==\n-----END A-----\n-----BEGIN A-----\nAA==\n-----END A-----\n-----BEGIN A-----\nAA==\n-----END A-----",
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
