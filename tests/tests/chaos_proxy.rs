//! The proxy of `tests/run chaos`: each way to misbehave, and that it ends.

use planshift_tests::chaos::proxy::{Proxy, Weather};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    time::{Instant, timeout},
};

const PATIENCE: Duration = Duration::from_secs(10);

/// Says back what it hears, each time after its own letter.
async fn echo(letter: u8) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 1];
                while stream.read_exact(&mut buffer).await.is_ok() {
                    stream.write_all(&[letter, buffer[0]]).await.unwrap();
                }
            });
        }
    });
    address
}

async fn proxy(servers: Vec<SocketAddr>) -> Proxy {
    Proxy::start(&Handle::current(), 0, servers).unwrap()
}

async fn say(stream: &mut TcpStream, letter: u8) -> io::Result<[u8; 2]> {
    stream.write_all(&[letter]).await?;
    let mut heard = [0; 2];
    timeout(PATIENCE, stream.read_exact(&mut heard)).await.expect("an answer in time")?;
    Ok(heard)
}

#[tokio::test]
async fn everything_passes_and_a_server_that_is_away_is_passed_over() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = proxy(vec![nobody, echo(b'a').await, echo(b'b').await]).await;
    let mut heard = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        heard.push(say(&mut stream, b'x').await.unwrap()[0]);
    }
    assert_eq!(heard, b"aab", "each in its turn");
}

#[tokio::test]
async fn a_cut_ends_what_is_there_and_nothing_else() {
    let proxy = proxy(vec![echo(b'a').await]).await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    say(&mut stream, b'x').await.unwrap();
    proxy.cut();
    assert!(say(&mut stream, b'y').await.is_err());
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(say(&mut stream, b'z').await.unwrap(), *b"az");
}

#[tokio::test]
async fn who_comes_is_refused_and_who_is_there_stays() {
    let proxy = proxy(vec![echo(b'a').await]).await;
    let mut before = TcpStream::connect(proxy.address()).await.unwrap();
    say(&mut before, b'x').await.unwrap();
    proxy.set(Weather { refuse: true, ..Weather::FAIR });
    let begun = Instant::now();
    while TcpStream::connect(proxy.address()).await.is_ok() {
        assert!(begun.elapsed() < PATIENCE, "nobody is refused");
        tokio::task::yield_now().await;
    }
    assert_eq!(say(&mut before, b'y').await.unwrap(), *b"ay");
    proxy.set(Weather::FAIR);
    let mut after = loop {
        assert!(begun.elapsed() < PATIENCE, "everybody is refused");
        match TcpStream::connect(proxy.address()).await {
            Ok(stream) => break stream,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(say(&mut after, b'z').await.unwrap(), *b"az");
}

#[tokio::test]
async fn what_is_held_back_comes_later_and_in_order() {
    let proxy = proxy(vec![echo(b'a').await]).await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    say(&mut stream, b'x').await.unwrap();
    proxy.set(Weather { hold: true, ..Weather::FAIR });
    stream.write_all(b"yz").await.unwrap();
    let mut heard = [0; 4];
    let early = timeout(Duration::from_millis(100), stream.read_exact(&mut heard[..1])).await;
    assert!(early.is_err(), "it was forwarded");
    proxy.set(Weather::FAIR);
    timeout(PATIENCE, stream.read_exact(&mut heard)).await.expect("an answer in time").unwrap();
    assert_eq!(heard, *b"ayaz");
}

#[tokio::test]
async fn each_direction_is_delayed_by_itself() {
    let proxy = proxy(vec![echo(b'a').await]).await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let (up, down) = (Duration::from_millis(60), Duration::from_millis(90));
    for weather in [Weather { up, ..Weather::FAIR }, Weather { down, ..Weather::FAIR }, Weather { up, down, ..Weather::FAIR }] {
        proxy.set(weather);
        let begun = Instant::now();
        say(&mut stream, b'x').await.unwrap();
        assert!(begun.elapsed() >= weather.up + weather.down, "{weather:?}: {:?}", begun.elapsed());
    }
}
