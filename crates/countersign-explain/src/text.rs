//! Bytes, changed.

/// One text in place of another, everywhere.
pub(crate) fn replaced(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut from = 0;
    for at in memchr::memmem::find_iter(text, old) {
        out.extend_from_slice(&text[from..at]);
        out.extend_from_slice(new);
        from = at + old.len();
    }
    out.extend_from_slice(&text[from..]);
    out
}

/// A text with the escapes of HTML taken back.
pub(crate) fn without_html(text: &[u8]) -> Vec<u8> {
    let escapes: [(&[u8], &[u8]); 10] = [
        (b"&quot;", b"\""),
        (b"&#34;", b"\""),
        (b"&#39;", b"'"),
        (b"&#x27;", b"'"),
        (b"&apos;", b"'"),
        (b"&#x2F;", b"/"),
        (b"&#43;", b"+"),
        (b"&lt;", b"<"),
        (b"&gt;", b">"),
        (b"&amp;", b"&"),
    ];
    escapes.into_iter().fold(text.to_vec(), |text, (old, new)| replaced(&text, old, new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_replaced_and_nothing_else() {
        for (text, old, new, wanted) in [
            ("a\nb\n", "\n", "\r\n", "a\r\nb\r\n"),
            ("aaa", "aa", "b", "ba"),
            ("abc", "x", "y", "abc"),
            ("", "x", "y", ""),
            ("xx", "x", "", ""),
        ] {
            assert_eq!(
                replaced(text.as_bytes(), old.as_bytes(), new.as_bytes()),
                wanted.as_bytes(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn escapes_are_taken_back_once() {
        assert_eq!(
            without_html(b"&lt;a b=&quot;c&#39;&quot;&gt; &amp;&#x2F; &copy;"),
            b"<a b=\"c'\"> &/ &copy;"
        );
        assert_eq!(without_html(b"&amp;lt;"), b"&lt;", "what was escaped twice is escaped once");
    }
}
