//! A TCP proxy that can be told to misbehave: to cut its connections, to refuse new ones, to hold back what passes through it, and to
//! delay it, each direction by itself.
//!
//! It fronts any number of servers of one kind: a connection goes to the next one that takes it. Nothing that passes is changed, and
//! what is held back or delayed keeps its order. It ends, with all its connections, when it is dropped.

use bytes::Bytes;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    runtime::Handle,
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep, sleep_until, timeout},
};

/// What is read at once.
const CHUNK: usize = 64 * 1024;
/// Chunks on their way in one direction, at most: a delayed connection pushes back, as a real one does.
const CHUNKS_UNDER_WAY: usize = 64;
/// A server that does not take a connection by then is passed over.
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;
/// Between two attempts to listen again on the proxy's own port.
const LISTEN_AGAIN: Duration = Duration::from_millis(50);

/// How the proxy behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Nobody listens: new connections are refused.
    pub refuse: bool,
    /// Nothing is forwarded, in either direction; nobody is told.
    pub hold: bool,
    /// How late what clients send arrives.
    pub up: Duration,
    /// How late what servers send arrives.
    pub down: Duration,
}

impl Weather {
    /// Everything passes at once.
    pub const FAIR: Self = Self { refuse: false, hold: false, up: Duration::ZERO, down: Duration::ZERO };
}

/// The proxy.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    /// Counts up with each cut: connections of an earlier count end.
    cuts: watch::Sender<u64>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A proxy on this port of the loopback, in front of these servers, on this runtime.
    ///
    /// # Errors
    /// Where the port cannot be had.
    pub fn start(runtime: &Handle, port: u16, servers: Vec<SocketAddr>) -> io::Result<Self> {
        let _entered = runtime.enter();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let listener = listen(address)?;
        let address = listener.local_addr()?;
        let (weather, cuts) = (watch::Sender::new(Weather::FAIR), watch::Sender::new(0));
        let accepting = runtime.spawn(accept(listener, address, servers.into(), weather.subscribe(), cuts.subscribe()));
        Ok(Self { address, weather, cuts, accepting })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Behaves so from now on, on connections that are there as well.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Ends every connection that is there.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // connections of the time before may linger on the port
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn accept(
    listener: TcpListener,
    address: SocketAddr,
    servers: Arc<[SocketAddr]>,
    mut weather: watch::Receiver<Weather>,
    cuts: watch::Receiver<u64>,
) {
    // dropped with this task: connections do not outlive their proxy
    let mut connections = JoinSet::new();
    let mut listener = Some(listener);
    let mut next = 0;
    loop {
        while connections.try_join_next().is_some() {}
        if weather.borrow_and_update().refuse {
            listener = None;
            if weather.wait_for(|weather| !weather.refuse).await.is_err() {
                return;
            }
        }
        let Some(open) = &listener else {
            match listen(address) {
                Ok(open) => listener = Some(open),
                Err(_) => sleep(LISTEN_AGAIN).await,
            }
            continue;
        };
        tokio::select! {
            accepted = open.accept() => {
                if let Ok((client, _)) = accepted {
                    connections.spawn(connection(client, servers.clone(), next, weather.clone(), cuts.clone()));
                    next += 1;
                }
            }
            changed = weather.changed() => if changed.is_err() { return },
        }
    }
}

/// One connection, to its end. Both sockets are closed when this returns.
async fn connection(
    client: TcpStream,
    servers: Arc<[SocketAddr]>,
    first: usize,
    weather: watch::Receiver<Weather>,
    mut cuts: watch::Receiver<u64>,
) {
    let begun = *cuts.borrow_and_update();
    let passing = async {
        let Some(server) = reach(&servers, first).await else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        tokio::join!(
            pass(from_client, to_server, weather.clone(), |weather| weather.up),
            pass(from_server, to_client, weather, |weather| weather.down),
        );
    };
    tokio::select! {
        () = passing => {}
        // an error: the proxy is gone
        _ = cuts.wait_for(|cuts| *cuts > begun) => {}
    }
}

async fn reach(servers: &[SocketAddr], first: usize) -> Option<TcpStream> {
    for turn in 0..servers.len() {
        let server = servers[(first + turn) % servers.len()];
        if let Ok(Ok(stream)) = timeout(CONNECT_DEADLINE, TcpStream::connect(server)).await {
            return Some(stream);
        }
    }
    None
}

/// One direction, until one side is through with it; the other side is told so.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut weather: watch::Receiver<Weather>, delay: fn(&Weather) -> Duration) {
    let (send, mut chunks) = mpsc::channel::<(Instant, Bytes)>(CHUNKS_UNDER_WAY);
    let reading_weather = weather.clone();
    let read = async move {
        let mut buffer = vec![0; CHUNK];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let arrives = Instant::now() + delay(&reading_weather.borrow());
            if send.send((arrives, Bytes::copy_from_slice(&buffer[..count]))).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((arrives, chunk)) = chunks.recv().await {
            sleep_until(arrives).await;
            if weather.wait_for(|weather| !weather.hold).await.is_err() || to.write_all(&chunk).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}
