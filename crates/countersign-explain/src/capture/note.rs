//! What is remarked of a capture: one table of codes.

/// Something that may not be as it was sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    /// Stable: the code of a [`NoteKind`].
    pub code: &'static str,

    /// What, in this capture.
    pub says: String,
}

/// What a note can be about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct NoteKind {
    /// Stable.
    pub code: &'static str,

    /// Whether it makes a verdict worthless: see [`Capture::strict`](super::Capture::strict).
    pub refuses: bool,

    /// What it means, whatever the capture.
    pub means: &'static str,
}

macro_rules! kinds {
    ($($name:ident $code:literal $refuses:literal $means:literal)*) => {
        impl NoteKind {
            $(pub(super) const $name: NoteKind = NoteKind { code: $code, refuses: $refuses, means: $means };)*

            /// Every kind.
            pub const ALL: &'static [NoteKind] = &[$(NoteKind::$name),*];
        }
    };
}

kinds! {
    LENGTH "content-length" true
        "Content-Length is not the length of the body, no number, or there twice"
    CHUNKED "transfer-encoding" true
        "the message has Transfer-Encoding, and its body may still be in chunks"
    LOST "body-lost" true
        "there was a body, and the capture does not hold it"
    WITHHELD "body-withheld" true
        "the body was kept back on purpose; its length and SHA-256 are known"
    TEXT "body-text" false
        "the exporter wrote the body as text: bytes that were no UTF-8 are changed"
    REPLACED "body-replaced" false
        "replacement characters stand in the body: somebody decoded bytes that were no UTF-8"
    SIZE "body-size" false
        "the exporter counted another number of bytes than the body has"
    PARAMS "body-made" false
        "the body was put together from parameters: their spelling is ours"
    QUERY "query-made" false
        "the query was put together from parameters: their order, and how they were encoded, may differ"
    PATH "path-encoded" false
        "the path held what a URL cannot hold, and was encoded: the gateway had decoded it"
    STAGE "path-of-stage" false
        "two paths are given: the one with what the gateway puts before it was taken"
    MAPPING "path-mapping" false
        "under a domain of one's own, the first part of the path may be missing"
    JOINED "headers-joined" false
        "headers that came twice stand as one, joined by commas"
    ONCE "headers-once" false
        "of headers that came twice only the last one is here"
    PSEUDO "headers-pseudo" false
        "the pseudo-headers of HTTP/2 were left out"
    GUESSED "url-guessed" false
        "the URL has no scheme: http was taken, as curl does"
    CURL "encoded-by-curl" false
        "versions of curl encode this differently: a blank as `+` or `%20`, digits in lower or upper case"
    FOREIGN "url-foreign" false
        "the URL is not of http or https, and was left out"
    SURROGATES "surrogates" false
        "two escapes of one character were put together, which a shell does not do"
}

impl Note {
    pub(super) fn new(kind: NoteKind, says: impl Into<String>) -> Self {
        Note { code: kind.code, says: says.into() }
    }

    /// What its kind means.
    pub(super) fn of(kind: NoteKind) -> Self {
        Self::new(kind, kind.means)
    }

    /// What kind it is of.
    pub fn kind(&self) -> NoteKind {
        // Whoever writes down a code of his own is taken at his word, and nothing follows from it.
        NoteKind::find(self.code).unwrap_or(NoteKind { code: self.code, refuses: false, means: "" })
    }
}

impl NoteKind {
    /// The kind with this code.
    pub fn find(code: &str) -> Option<Self> {
        Self::ALL.iter().find(|kind| kind.code == code).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_notes_are_unique() {
        for (index, kind) in NoteKind::ALL.iter().enumerate() {
            assert!(NoteKind::ALL[..index].iter().all(|other| other.code != kind.code), "{}", kind.code);
            assert!(!kind.means.is_empty() && !kind.means.ends_with('.'));
        }
    }
}
