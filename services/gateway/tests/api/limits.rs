//! How fast, how many, how slow.

use crate::{provider::Provider, world::*};
use planshift_gateway::Settings;
use planshift_worker::metrics::REFUSED_REQUESTS;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use uuid::Uuid;

const LONG: Duration = Duration::from_secs(10);

fn address(world: &World) -> &str {
    world.base.strip_prefix("http://").unwrap()
}

#[tokio::test]
async fn a_partner_that_asks_too_fast_is_told_when_to_come_again_and_others_are_not_held_up() {
    let provider = Provider::start().await;
    let limits = Settings { requests_per_minute: 2, request_burst: 3, ..settings() };
    let world = World::for_whom(provider.auth(), limits, silence).await;
    world.eventually(async || world.readiness.ask().await.0).await;
    let list = format!("{}/v1/productUpgrades", world.base);
    let one = client(&provider.token(Uuid::from_u128(1), &["ReadOnlyAgent"]));
    for _ in 0..3 {
        assert_eq!(one.get(&list).send().await.unwrap().status(), 200);
    }
    let response = one.get(&list).send().await.unwrap();
    assert_eq!(response.status(), 429);
    let seconds: u32 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&seconds), "{seconds}");
    assert!(response.headers().contains_key("ms-correlationid"));
    let message = format!("Rate limit is exceeded. Try again in {seconds} seconds.");
    assert_eq!(response.json::<Value>().await.unwrap(), json!({ "statusCode": 429, "message": message }));
    // whatever the path: what is refused costs something too
    assert_eq!(one.get(format!("{}/nowhere", world.base)).send().await.unwrap().status(), 429);
    let counted = |status, reason| world.metrics.get(REFUSED_REQUESTS, &[("status", status), ("reason", reason)]);
    assert_eq!((counted("429", "pace"), counted("401", "malformed"), counted("401", "missing")), (2, 0, 0));
    assert!(world.metrics.text().contains("planshift_http_refused_total{reason=\"expired\",status=\"401\"} 0\n"), "from the start on");
    for (token, reason) in [("x", "malformed"), ("", "missing")] {
        let without = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let request = if token.is_empty() { without.get(&list) } else { without.get(&list).bearer_auth(token) };
        assert_eq!(request.send().await.unwrap().status(), 401);
        assert_eq!(counted("401", reason), 1, "{reason}");
    }
    let other = client(&provider.token(Uuid::from_u128(2), &["ReadOnlyAgent"]));
    assert_eq!(other.get(&list).send().await.unwrap().status(), 200);
    for _ in 0..10 {
        assert_eq!(world.client.get(&list).send().await.unwrap().status(), 200, "an operator has no limit");
    }
}

#[tokio::test]
async fn headers_that_come_too_slowly_end_the_connection() {
    let world = World::with(Settings { header_time: Duration::from_millis(150), ..settings() }, silence).await;
    for begun in ["", "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slo"] {
        let mut stream = TcpStream::connect(address(&world)).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let ended = timeout(LONG, stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "the connection is held for ever");
        assert!(!answer.starts_with(b"HTTP/1.1 200"));
    }
    assert_eq!(world.get("/").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_body_that_stops_coming_ends_the_request() {
    let world = World::with(Settings { piece_time: Duration::from_millis(150), ..settings() }, silence).await;
    for path in ["/v1/productUpgrades", "/v1/accounts"] {
        let mut stream = TcpStream::connect(address(&world)).await.unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 100\r\n\r\n{{");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        timeout(LONG, stream.read_exact(&mut answer)).await.expect("it waits for ever").unwrap();
        assert_eq!(answer, b"HTTP/1.1 408", "{path}");
    }
}

#[tokio::test]
async fn a_partner_whose_document_comes_slowly_holds_up_nobody_else() {
    let provider = Provider::start().await;
    let limits = Settings { documents_at_once: 1, ..settings() };
    let world = World::for_whom(provider.auth(), limits, silence).await;
    world.eventually(async || world.readiness.ask().await.0).await;
    let tokens = [1, 2].map(|partner| provider.token(Uuid::from_u128(partner), &["AdminAgent"]));
    let mut slow = TcpStream::connect(address(&world)).await.unwrap();
    let head = "POST /v1/accounts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nAuthorization: Bearer";
    slow.write_all(format!("{head} {}\r\n\r\n{{", tokens[0]).as_bytes()).await.unwrap();
    let send = |token: &str| client(token).post(format!("{}/v1/accounts", world.base)).body("{}").send();
    // its own next one is told to wait; a faulty document is an answer, too
    let status = async |token: &str| send(token).await.unwrap().status().as_u16();
    world.eventually(async || status(&tokens[0]).await == 409).await;
    assert_eq!(timeout(LONG, status(&tokens[1])).await.expect("it is held up"), 400);
    assert_eq!(timeout(LONG, status(TOKEN)).await.expect("it is held up"), 400);
    drop(slow);
    world.eventually(async || status(&tokens[0]).await == 400).await;
}

#[tokio::test]
async fn there_are_only_so_many_connections_and_the_next_one_waits_its_turn() {
    let world = World::with(Settings { connections: 2, ..settings() }, silence).await;
    let ask = async |stream: &mut TcpStream| {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 15];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 200 OK");
    };
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address(&world)).await.unwrap();
        ask(&mut stream).await;
        held.push(stream);
    }
    let mut next = TcpStream::connect(address(&world)).await.unwrap();
    {
        let asking = ask(&mut next);
        let mut asking = std::pin::pin!(asking);
        assert!(timeout(Duration::from_millis(200), asking.as_mut()).await.is_err(), "a third one is served");
        held.pop();
        timeout(LONG, asking).await.expect("its turn never comes");
    }
    drop(held);
}

#[tokio::test]
async fn a_client_that_does_not_read_gives_its_place_free_and_one_that_reads_slowly_stays() {
    let times = Duration::from_millis(300);
    let limits = Settings { connections: 2, header_time: times, piece_time: times, heartbeat: Duration::from_millis(50), ..settings() };
    let world = World::with(limits, silence).await;
    let mut told = changed(7, 1, planshift_domain::transition::State::Requested);
    (told.history, told.transition.history) = (entries(7, 2_000), 2_000);
    world.tell(told).await;
    let path = format!("/v1/productUpgrades/{}", Uuid::from_u128(7));
    // far more than there is room for between the two
    let request = format!("GET {path}/history HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n").repeat(100);
    let mut never = TcpStream::connect(address(&world)).await.unwrap();
    never.write_all(request.as_bytes()).await.unwrap();
    // this one has nothing but heartbeats, and takes them
    let mut events = world.get("/v1/productUpgrades/events").send().await.unwrap();
    // there is no third place: whoever is served has got the one of the client that reads nothing
    let served = timeout(LONG, client(TOKEN).get(format!("{}/", world.base)).send()).await;
    assert_eq!(served.expect("the place is held for ever").unwrap().status(), 200);
    let heard = timeout(LONG, async {
        let begun = std::time::Instant::now();
        while begun.elapsed() < times * 4 {
            assert!(events.chunk().await.unwrap().is_some(), "the stream was cut");
        }
    });
    heard.await.expect("it says something");
    // it was cut off in the middle
    let mut rest = Vec::new();
    let _ = timeout(LONG, never.read_to_end(&mut rest)).await.expect("it is held for ever");
    let answers = rest.windows(12).filter(|part| part == b"HTTP/1.1 200").count();
    assert!((1..100).contains(&answers), "{answers} answers");
}
