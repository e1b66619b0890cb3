//! Requests kept in files: one each, by names that sort by time, for their owner alone.
//!
//! A file is a raw HTTP/1.1 message, because that can be read without us; what HTTP has no place for is kept as JSON. The body is
//! there as it was put together, so `Transfer-Encoding` is left out and a length stands in its place.

use crate::error::Failure;
use countersign::Timestamp;
use countersign_explain::capture::{Address, Capture};
use http::request::Parts;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// Where they are kept.
pub(super) struct Folder(PathBuf);

/// What a file is called by.
pub(super) struct Label {
    pub(super) at: Timestamp,
    /// The request's number in this run.
    pub(super) number: u64,
    /// What stands behind it, such as `refused`; nothing for what is in order.
    pub(super) word: &'static str,
}

impl Folder {
    /// Make it, if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(path) {
            Ok(()) => Ok(Folder(path.to_owned())),
            Err(error) => Err(Failure::io("make the folder", path, &error).next("name another --save DIR")),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Write one, whole or not at all, over nothing that is there.
    pub(super) fn keep(&self, label: &Label, capture: &Capture) -> io::Result<PathBuf> {
        let (bytes, end) = match capture.to_http() {
            Ok(bytes) => (bytes, "http"),
            Err(_) => (serde_json::to_vec_pretty(&capture.to_json())?, "json"),
        };
        let stem = label.stem();
        // Another run may have kept one in the same millisecond.
        for again in 0..1000 {
            let name = match again {
                0 => format!("{stem}.{end}"),
                _ => format!("{stem}-{again}.{end}"),
            };
            let path = self.0.join(name);
            match write_new(&path, &bytes) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(path),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }
}

impl Label {
    /// `20260102T030405.123Z-0001-refused`.
    fn stem(&self) -> String {
        let Label { at, number, word } = self;
        let whole = Timestamp::from_unix(at.unix()).to_string().replace(['-', ':', 'Z'], "");
        let ms = at.unix_ms().rem_euclid(1000);
        let word = if word.is_empty() { String::new() } else { format!("-{word}") };
        format!("{whole}.{ms:03}Z-{number:04}{word}")
    }
}

/// A request as it came. `url` is the one that was judged, where the scheme looks at it.
pub(super) fn capture(parts: &Parts, url: Option<String>, body: &[u8]) -> Result<Capture, String> {
    let chunked = parts.headers.contains_key(http::header::TRANSFER_ENCODING);
    let framing = |name: &str| name == "transfer-encoding" || name == "content-length";
    let of_message = parts.headers.iter().filter(|(name, _)| !(chunked && framing(name.as_str())));
    let mut headers: Vec<(String, Vec<u8>)> =
        of_message.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    if chunked {
        headers.push(("content-length".into(), body.len().to_string().into_bytes()));
    }
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let address = match url {
        Some(url) => Address::Given(url),
        None => Address::Wire { host: None, target: if target == "*" { "/*" } else { target }.into() },
    };
    Capture::new(parts.method.as_str(), address, headers, body.to_vec()).map_err(|error| error.says)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).inspect_err(|_| {
        // Half a request is none.
        let _ = fs::remove_file(path);
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_sort_by_time_and_number() {
        let stem = |ms, number, word| Label { at: Timestamp::from_unix_ms(ms), number, word }.stem();
        assert_eq!(stem(1_767_323_045_007, 1, "refused"), "20260102T030405.007Z-0001-refused");
        let names = [
            stem(1_767_323_045_000, 2, "refused"),
            stem(1_767_323_045_000, 10, ""),
            stem(1_767_323_045_001, 3, ""),
        ];
        assert!(names.is_sorted(), "{names:?}");
    }
}
