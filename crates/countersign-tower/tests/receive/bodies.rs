//! Bodies that are too long, too slow, broken, or not what they are called.

use crate::world::{DOORS, Site, Source, reply};
use bytes::Bytes;
use countersign::Reason;
use countersign_tower::{Refusal, collect};
use http_body::{Body, Frame, SizeHint};
use proptest::prelude::*;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const LIMIT: usize = 1_000;

async fn site(source: &Source) -> Site {
    Site::start(source.settings().body_limit(LIMIT).build().unwrap()).await
}

#[tokio::test]
async fn the_limit_is_inclusive_and_one_byte_more_is_413_however_it_comes() {
    let source = Source::new("github");
    let site = site(&source).await;
    for door in DOORS {
        let (fits, not) = (source.sends(door, vec![b'x'; LIMIT]), source.sends(door, vec![b'x'; LIMIT + 1]));
        for bytes in [fits.bytes(), fits.chunked(LIMIT, true), fits.chunked(3, true)] {
            assert_eq!(site.write(&bytes).await.status, 200);
        }
        for bytes in
            [not.bytes(), not.chunked(LIMIT + 1, true), not.chunked(LIMIT, true), not.chunked(3, false)]
        {
            let reply = site.write(&bytes).await;
            assert_eq!((reply.status, &*reply.body), (413, "not accepted\n"));
        }
        assert_eq!(site.seen.logged(), ["payload_too_large"; 4]);
    }
    assert_eq!(site.seen.count(), 6);
}

#[tokio::test]
async fn a_length_past_the_limit_is_refused_before_any_of_it_is_sent() {
    let source = Source::new("github");
    let site = site(&source).await;
    for door in DOORS {
        let head = source.sends(door, "{}").head();
        for length in ["1001", "18446744073709551615", "99999999999"] {
            let bytes = format!("{head}expect: 100-continue\r\ncontent-length: {length}\r\n\r\n");
            let reply = site.write(bytes.as_bytes()).await;
            // The largest is none to hyper, which answers by itself.
            let ours = length.len() < 20;
            assert!(
                if ours { reply.status == 413 } else { reply.status >= 400 },
                "{length}: {}",
                reply.status
            );
        }
    }
    assert_eq!(site.seen.count(), 0);
}

#[tokio::test]
async fn who_stops_and_who_drips_is_told_408_after_the_same_time() {
    let source = Source::new("github");
    let settings = source.settings().body_time(Duration::from_millis(300));
    let site = Site::start(settings.build().unwrap()).await;
    for door in DOORS {
        let sent = source.sends(door, vec![b'x'; 500]);
        let whole = sent.bytes();
        let stopped = site.write(&whole[..whole.len() - 1]).await;
        assert_eq!((stopped.status, &*stopped.body), (408, "not accepted\n"));

        let mut stream = TcpStream::connect(site.address).await.unwrap();
        let head = whole.len() - 500;
        stream.write_all(&whole[..head]).await.unwrap();
        // Far less than a minute of drops is sent before the answer stands in the way.
        for byte in &whole[head..head + 40] {
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(reply(&mut stream).await.status, 408);
        assert_eq!(site.seen.logged(), ["body_slow"; 2]);
    }
    assert_eq!(site.seen.count(), 0);
}

#[tokio::test]
async fn a_body_that_is_no_http_is_not_judged() {
    let source = Source::new("github");
    let site = site(&source).await;
    for door in DOORS {
        let mut bytes = source.sends(door, "{}").chunked(1, false);
        bytes.extend(b"zz\r\n");
        let reply = site.write(&bytes).await;
        assert_eq!(reply.status, 400);
    }
    assert_eq!(site.seen.count(), 0);
}

#[tokio::test]
async fn who_hangs_up_half_way_reaches_no_handler() {
    let source = Source::new("github");
    let site = site(&source).await;
    for door in DOORS {
        let whole = source.sends(door, vec![b'x'; 500]).bytes();
        let mut stream = TcpStream::connect(site.address).await.unwrap();
        stream.write_all(&whole[..whole.len() - 1]).await.unwrap();
        drop(stream);
    }
    // A request that comes after them is answered: nothing is stuck.
    assert_eq!(site.send(&source.sends("/extract", "{}")).await.status, 200);
    assert_eq!(site.seen.count(), 1);
}

#[tokio::test]
async fn what_is_called_gzip_is_taken_as_the_bytes_that_it_is() {
    let source = Source::new("github");
    let site = site(&source).await;
    // An empty gzip file, and something that is none.
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";
    for (door, body) in DOORS.iter().flat_map(|door| [(door, &gzip[..]), (door, b"{}")]) {
        let sent = source.sends(door, body).with("content-encoding", "gzip");
        assert_eq!(site.send(&sent).await.status, 200);
        assert_eq!(site.seen.bodies.lock().unwrap().pop().unwrap(), body);
    }
}

#[test]
fn whatever_is_sent_however_it_is_cut_the_handler_sees_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let source = Source::new("standard-webhooks");
    let site = runtime.block_on(Site::of(&source));
    let cases = (prop::collection::vec(any::<u8>(), 0..3_000), 1..3_000_usize, 0..2_usize, any::<bool>());
    proptest!(ProptestConfig::with_cases(200), |((body, size, door, chunked) in cases)| {
        let sent = source.sends(DOORS[door], &body);
        let bytes = if chunked { sent.chunked(size, true) } else { sent.bytes() };
        prop_assert_eq!(runtime.block_on(site.write(&bytes)).body, "handled");
        prop_assert_eq!(site.seen.bodies.lock().unwrap().pop().unwrap(), body);
    });
}

/// Pieces, and now and then none yet.
struct Cut {
    pieces: std::vec::IntoIter<Option<Bytes>>,
    length: Option<u64>,
}

impl Body for Cut {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.pieces.next() {
            None => Poll::Ready(None),
            Some(Some(piece)) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            Some(None) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[test]
fn pieces_are_put_together_and_the_limit_is_that_of_the_whole() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let piece = prop::option::weighted(0.8, prop::collection::vec(any::<u8>(), 0..40));
    proptest!(|(pieces in prop::collection::vec(piece, 0..200), limit in 0..4_000_usize, says in any::<bool>())| {
        let whole: Vec<u8> = pieces.iter().flatten().flatten().copied().collect();
        let length = says.then_some(whole.len() as u64);
        let pieces: Vec<_> = pieces.into_iter().map(|piece| piece.map(Bytes::from)).collect();
        let cut = Cut { pieces: pieces.into_iter(), length };
        let collected = runtime.block_on(collect(cut, limit, Duration::from_secs(60)));
        match collected {
            Ok(bytes) => prop_assert!(bytes == whole && whole.len() <= limit),
            Err(refusal) => {
                prop_assert_eq!(refusal.reason(), Some(Reason::PayloadTooLarge));
                prop_assert!(whole.len() > limit);
            }
        }
    });
}

#[tokio::test]
async fn empty_pieces_without_end_take_no_longer_than_the_time() {
    struct Nothing;
    impl Body for Nothing {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(Some(Ok(Frame::data(Bytes::new()))))
        }
    }
    let time = Duration::from_millis(50);
    assert_eq!(collect(Nothing, 10, time).await, Err(Refusal::Slow { time }));
}
