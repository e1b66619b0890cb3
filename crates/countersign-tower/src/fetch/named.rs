//! Documents that no plain GET can have: behind a token, in a vault, in a file.

use std::future::Future;
use std::pin::Pin;

/// A named document on its way, or a sentence for the operator saying why not. The sentence is logged: no secret may
/// stand in it.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, String>> + Send + 'a>>;

/// Where a host has its named documents, by whatever credentials. It is asked as URLs are: by one task at a time, seldom,
/// and within the same limits of time and size; what is longer is refused after it was read, so a source that reads from
/// strangers bounds itself. Calls out by [`countersign_egress::Client`] if it calls out.
///
/// Functions from a name to a future are sources.
pub trait NamedSource: Send + Sync {
    /// Have the document called `name`. The preset says the name, and the source knows which names there are.
    fn fetch<'a>(&'a self, name: &'a str) -> Fetching<'a>;
}

impl<F, D> NamedSource for F
where
    F: Fn(String) -> D + Send + Sync,
    D: Future<Output = Result<Vec<u8>, String>> + Send + 'static,
{
    fn fetch<'a>(&'a self, name: &'a str) -> Fetching<'a> {
        Box::pin(self(name.to_owned()))
    }
}
