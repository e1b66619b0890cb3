//! Where the URL is signed, it is ours and the request's path, byte for byte.

use crate::world::{DOORS, Site, Source};

#[tokio::test]
async fn the_url_is_the_public_one_with_the_path_as_it_came() {
    let source = Source::new("square");
    let site = Site::of(&source).await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for door in DOORS {
        for query in ["", "?", "?a=b", "?a=%2F&b=c+d&a=%41", "?x=/../y//z"] {
            for path in [format!("{door}{query}"), format!("/nested/below{door}{query}")] {
                let sent = source.sends_as("1", &path, b"From=%2B1&Body=a+b", &form);
                let lies =
                    sent.clone().with("x-forwarded-host", "evil.example").with("x-forwarded-proto", "http");
                assert_eq!(site.send(&lies).await.status, 200, "{path}");
                // The same signature for another path of the same route.
                assert_eq!(site.send(&sent.path(&format!("{door}?other=1"))).await.status, 401, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn a_request_for_another_host_is_judged_by_our_url_and_not_by_its_own() {
    let source = Source::new("square");
    let site = Site::of(&source).await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for door in DOORS {
        let sent = source.sends_as("1", door, b"From=1", &form);
        let absolute = sent.path(&format!("http://evil.example{door}"));
        assert_eq!(site.send(&absolute).await.status, 200);
    }
}
