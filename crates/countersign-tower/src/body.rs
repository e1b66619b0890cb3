//! Bodies, read to their end within a size and a time.
//!
//! The surprising decision is what the time is for: the whole body, not the silence between two pieces. Who sends a byte now
//! and then would hold a connection for days otherwise. Nothing is decompressed, whatever `content-encoding` says: a
//! signature covers the bytes that were sent.

use crate::Refusal;
use bytes::{Buf, Bytes};
use countersign::{Reason, Rejection};
use http_body::Body;
use std::error::Error;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

/// How many pieces are taken before others get their turn, and time is looked at: empty pieces cost a sender nothing.
const PIECES_A_TURN: usize = 64;

/// How much room is made for a body before it is here: a length is quickly said.
const FIRST_ROOM: usize = 64 * 1024;

/// Read a body to its end: at most `limit` bytes, within `time` for the whole.
///
/// A body that says it is longer is refused before any of it is read, and one that does not say at the first byte too many:
/// `payload_too_large` (413). One that does not end in time is [`Refusal::Slow`] (408), one that breaks off
/// [`Refusal::Broken`] (400). A body that came in one piece is not copied. Trailers are not looked at.
///
/// Wants a tokio runtime with time, but for a body that is here already.
pub async fn collect<B>(body: B, limit: usize, time: Duration) -> Result<Bytes, Refusal>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    let mut body = pin!(body);
    let mut taken = Taken { limit, pieces: Pieces::None };
    // What is here already needs no timer.
    if let Poll::Ready(whole) = poll_fn(|cx| Poll::Ready(taken.pull(body.as_mut(), cx))).await {
        return whole;
    }
    let rest = poll_fn(|cx| taken.pull(body.as_mut(), cx));
    tokio::time::timeout(time, rest).await.unwrap_or(Err(Refusal::Slow { time }))
}

/// What has come so far.
struct Taken {
    limit: usize,
    pieces: Pieces,
}

enum Pieces {
    None,
    One(Bytes),
    Many(Vec<u8>),
}

impl Taken {
    fn pull<B>(&mut self, mut body: Pin<&mut B>, cx: &mut Context<'_>) -> Poll<Result<Bytes, Refusal>>
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        for _ in 0..PIECES_A_TURN {
            let frame = match body.as_mut().poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Ok(self.whole())),
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Err(Refusal::Broken { says: error.into().to_string() }));
                }
                Poll::Ready(Some(Ok(frame))) => frame,
            };
            if let Ok(piece) = frame.into_data()
                && let Err(refusal) = self.push(piece, body.size_hint().lower())
            {
                return Poll::Ready(Err(refusal));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Take a piece, after which at least `more` bytes are said to come.
    fn push(&mut self, mut piece: impl Buf, more: u64) -> Result<(), Refusal> {
        let length = piece.remaining();
        if length > self.limit - self.pieces.len() {
            return Err(too_large(self.limit));
        }
        if length == 0 {
            return Ok(());
        }
        self.pieces = match std::mem::replace(&mut self.pieces, Pieces::None) {
            Pieces::None => Pieces::One(piece.copy_to_bytes(length)),
            Pieces::One(first) => {
                let more = usize::try_from(more).unwrap_or(FIRST_ROOM).min(FIRST_ROOM);
                let mut all = Vec::with_capacity(first.len() + length + more);
                all.extend_from_slice(&first);
                append(&mut all, piece);
                Pieces::Many(all)
            }
            Pieces::Many(mut all) => {
                append(&mut all, piece);
                Pieces::Many(all)
            }
        };
        Ok(())
    }

    fn whole(&mut self) -> Bytes {
        match std::mem::replace(&mut self.pieces, Pieces::None) {
            Pieces::None => Bytes::new(),
            Pieces::One(piece) => piece,
            Pieces::Many(all) => all.into(),
        }
    }
}

impl Pieces {
    fn len(&self) -> usize {
        match self {
            Pieces::None => 0,
            Pieces::One(piece) => piece.len(),
            Pieces::Many(all) => all.len(),
        }
    }
}

fn append(all: &mut Vec<u8>, mut piece: impl Buf) {
    while piece.has_remaining() {
        let chunk = piece.chunk();
        let length = chunk.len();
        all.extend_from_slice(chunk);
        piece.advance(length);
    }
}

pub(crate) fn too_large(limit: usize) -> Refusal {
    let says = format!("the body is longer than {limit} bytes");
    Refusal::Rejected(Rejection::new(Reason::PayloadTooLarge).detail("body/limit", says))
}
