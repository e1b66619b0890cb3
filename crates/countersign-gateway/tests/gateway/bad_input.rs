//! What goes wrong: strange requests, a store that cannot be written, an upstream that is down. A clear answer, and nothing that was
//! accepted is lost.

use crate::world::{Answer, OK, SECRET, Upstream, WHSEC, World, database, github, http, signed, standard};
use countersign_store::DeliveryState;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

const BODY: &[u8] = b"{\"action\":\"opened\"}";

#[test]
fn header_bytes_that_are_no_text_are_kept_and_handed_on_as_they_came() {
    let upstream = Upstream::start(OK);
    let world = World::start(&github("a", &format!("forward = {{ to = \"{}\" }}", upstream.url)));
    let mut request = b"POST /in/a HTTP/1.1\r\nhost: x\r\nx-odd: caf\xe9 \xff\r\n".to_vec();
    for (name, value) in signed("github", SECRET, "1", BODY) {
        request.extend(format!("{name}: {value}\r\n").into_bytes());
    }
    request.extend([format!("content-length: {}\r\n\r\n", BODY.len()).as_bytes(), BODY].concat());
    assert_eq!(world.send(&request).status, 202);
    let seen = upstream.wait(1).remove(0);
    assert!(seen.raw.windows(6).any(|six| six == b"caf\xe9 \xff"), "{}", String::from_utf8_lossy(&seen.raw));
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let world = World::start(&standard("a", ""));
    let one = http("POST", "/in/a", &signed("standard-webhooks", WHSEC, "msg_1", BODY), BODY);
    let two = http("POST", "/in/a", &signed("standard-webhooks", WHSEC, "msg_2", b"{}"), b"{}");
    let bad = http("POST", "/in/a", &[], b"{}");
    let mut stream = TcpStream::connect(world.at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let two = String::from_utf8(two).unwrap().replacen("host: ", "connection: close\r\nhost: ", 1);
    stream.write_all(&[one, bad, two.into_bytes()].concat()).unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    let statuses: Vec<&str> = all.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "401", "200"]);
    let ids: Vec<_> = world.events().into_iter().map(|event| event.message_id.unwrap().to_string()).collect();
    assert_eq!(ids, ["msg_1", "msg_2"]);
}

#[test]
fn a_body_that_breaks_off_is_not_accepted() {
    let world = World::start(&github("a", ""));
    let mut stream = TcpStream::connect(world.at).unwrap();
    let (name, value) = signed("github", SECRET, "1", b"half").remove(0);
    let head = format!("POST /in/a HTTP/1.1\r\nhost: x\r\n{name}: {value}\r\ncontent-length: 8\r\n\r\nhalf");
    stream.write_all(head.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let answer = Answer::read(&mut stream);
    assert!(matches!(answer.status, 0 | 400), "{}", answer.status);
    assert!(world.events().is_empty());
}

#[test]
fn json_that_nests_without_end_is_bytes() {
    let world = World::start(&standard("a", ""));
    let body = vec![b'['; 500_000];
    assert_eq!(world.post("/in/a", &signed("standard-webhooks", WHSEC, "msg_1", &body), &body).status, 200);
    assert_eq!(world.events()[0].kind, None);
}

#[test]
fn a_store_that_is_taken_is_503_and_the_retry_is_accepted() {
    let world = World::start(&standard("a", ""));
    let headers = signed("standard-webhooks", WHSEC, "msg_1", BODY);
    let other = rusqlite::Connection::open(database(&world)).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let answer = world.post("/in/a", &headers, BODY);
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").is_some());
    other.execute_batch("ROLLBACK").unwrap();
    // The id was not burnt.
    assert_eq!(world.post("/in/a", &headers, BODY).status, 200);
    assert_eq!(world.events().len(), 1);
}

#[test]
fn a_store_of_a_later_version_is_refused_and_let_be() {
    let world = World::start(&github("a", ""));
    let folder = world.stop();
    let path = folder.path().join("countersign.db");
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let before = std::fs::read(&path).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let refused =
        runtime.block_on(countersign_gateway::Gateway::start(&folder.path().join("countersign.toml")));
    let says = refused.map(|_| ()).unwrap_err().to_string();
    assert!(says.contains("999") && says.contains("countersign.db"), "{says}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_secret_that_is_not_there_is_told_with_all_the_others() {
    let tables = [
        github("a", "").replace("file = \"github.txt\"", "env = \"COUNTERSIGN_TEST_NOT_SET\""),
        github("b", "").replace("github.txt", "gone.txt"),
        github("c", "").replace("file = \"github.txt\"", "command = \"exit 3\""),
    ];
    let says = World::refused("", &tables.concat());
    for part in ["source `a`", "COUNTERSIGN_TEST_NOT_SET", "source `b`", "gone.txt", "source `c`", "main"] {
        assert!(says.contains(part), "{part} is not told of:\n{says}");
    }
}

#[test]
fn a_token_that_can_be_guessed_lets_nobody_in() {
    let admin = "[admin]\nlisten = \"127.0.0.1:0\"\ntoken = { command = \"printf short\" }\n";
    let says = World::refused("", &[admin, &github("a", "")].concat());
    assert!(says.contains("[admin] token") && says.contains("guessed"), "{says}");
}

#[test]
fn an_upstream_that_is_down_gets_everything_when_it_is_back() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    drop(listener);
    let forward = format!(
        "forward = {{ to = \"http://{at}/hook\", schedule = [\"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\"] }}"
    );
    let world = World::start(&standard("a", &forward));
    for n in 0..20 {
        let id = format!("msg_{n}");
        assert_eq!(world.post("/in/a", &signed("standard-webhooks", WHSEC, &id, BODY), BODY).status, 202);
    }
    std::thread::sleep(Duration::from_millis(1500));
    // And the gateway is restarted meanwhile.
    let world = World::again(world.stop());
    let upstream = Upstream::at(at, &[OK]);
    assert!(upstream.wait(20).len() >= 20);
    assert_eq!(world.events().len(), 20);
}

#[test]
fn what_was_given_up_is_a_dead_letter_and_can_be_sent_again() {
    let upstream =
        Upstream::answering(&["HTTP/1.1 500 Oh\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", OK]);
    let world =
        World::start(&standard("a", &format!("forward = {{ to = \"{}\", attempts = 1 }}", upstream.url)));
    assert_eq!(world.post("/in/a", &signed("standard-webhooks", WHSEC, "msg_1", BODY), BODY).status, 202);
    upstream.wait(1);
    let dead = world.delivery(|delivery| delivery.state == DeliveryState::Dead);
    assert_eq!((dead.status, dead.error.as_deref()), (Some(500), Some("the answer was 500")));
    world.redrive(dead.id);
    assert_eq!(upstream.wait(2)[1].body, BODY);
    world.delivery(|delivery| delivery.state == DeliveryState::Done);
}

#[test]
fn what_is_under_way_when_it_is_stopped_is_brought_to_its_end() {
    let mut world = World::start(&github("a", ""));
    let mut stream = TcpStream::connect(world.at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let request = http("POST", "/in/a", &signed("github", SECRET, "1", BODY), BODY);
    let (one, two) = request.split_at(request.len() - 5);
    stream.write_all(one).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let at = world.at;
    let stopping = world.stop_in_background();
    let start = Instant::now();
    while TcpStream::connect(at).is_ok() {
        assert!(start.elapsed() < Duration::from_secs(10), "it lets people in still");
        std::thread::sleep(Duration::from_millis(10));
    }
    stream.write_all(two).unwrap();
    assert_eq!(Answer::read(&mut stream).status, 200);
    stopping.join().unwrap();
    assert_eq!(world.events().len(), 1);
}

#[test]
fn a_change_of_the_file_is_taken_by_itself() {
    let world = World::start(&github("a", ""));
    world.write(&github("b", ""));
    let start = Instant::now();
    while world.post("/in/b", &signed("github", SECRET, "1", BODY), BODY).status != 200 {
        assert!(start.elapsed() < Duration::from_secs(20), "it is never read");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(world.post("/in/a", &signed("github", SECRET, "1", BODY), BODY).status, 404);
}

/// What failed is tried again as it was asked for: the new file, and not the old one once more.
#[test]
fn a_file_whose_secret_comes_late_is_taken_when_it_is_there() {
    let world = World::start(&github("a", ""));
    world.write(&github("b", "").replace("github.txt", "late.txt"));
    // Long enough for a look, and for another one that has nothing to do with the file.
    std::thread::sleep(Duration::from_secs(4));
    assert!(!world.gateway().is_reloaded(), "a file that was not taken is told as taken");
    assert_eq!(world.post("/in/a", &signed("github", SECRET, "1", BODY), BODY).status, 200);
    std::fs::write(world.folder.path().join("late.txt"), SECRET).unwrap();
    let start = Instant::now();
    while world.post("/in/b", &signed("github", SECRET, "1", BODY), BODY).status != 200 {
        assert!(start.elapsed() < Duration::from_secs(30), "it is never taken");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(world.gateway().is_reloaded());
}

#[test]
fn a_secret_that_is_changed_in_its_file_is_taken_by_itself() {
    let world = World::start(&github("a", ""));
    std::fs::write(world.folder.path().join("github.txt"), "another-secret-long-enough").unwrap();
    let start = Instant::now();
    while world.post("/in/a", &signed("github", "another-secret-long-enough", "1", BODY), BODY).status != 200
    {
        assert!(start.elapsed() < Duration::from_secs(20), "it is never read");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(world.post("/in/a", &signed("github", SECRET, "1", BODY), BODY).status, 401);
}
