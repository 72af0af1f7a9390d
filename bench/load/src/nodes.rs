//! Which node is asked next.

use crate::cli::Targets;
use crate::http::{Connection, Request};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const WATCH_INTERVAL: Duration = Duration::from_millis(100);
const WATCH_PATIENCE: Duration = Duration::from_secs(1);

/// The nodes, in a circle.
#[derive(Debug)]
pub(crate) struct Nodes {
    nodes: Vec<Node>,
    next: AtomicUsize,
}

#[derive(Debug)]
struct Node {
    address: SocketAddr,
    is_ready: AtomicBool,
}

impl Nodes {
    /// Begins to watch them where that is asked for.
    pub(crate) fn new(targets: &Targets) -> Arc<Self> {
        let nodes = Arc::new(Self {
            nodes: targets
                .addresses
                .iter()
                .map(|address| Node {
                    address: *address,
                    is_ready: AtomicBool::new(true),
                })
                .collect(),
            next: AtomicUsize::new(0),
        });
        if targets.watch {
            for number in 0..nodes.nodes.len() {
                tokio::spawn(watch(Arc::clone(&nodes), number));
            }
        }
        nodes
    }

    /// The next in the circle that is ready; the next at all, when none is.
    pub(crate) fn pick(&self) -> SocketAddr {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let circle = || self.nodes.iter().cycle().skip(turn % self.nodes.len());
        circle()
            .take(self.nodes.len())
            .find(|node| node.is_ready.load(Ordering::Relaxed))
            .or_else(|| circle().next())
            .map_or(SocketAddr::from(([127, 0, 0, 1], 0)), |node| node.address)
    }

    /// The node with this number, counted around the circle.
    pub(crate) fn at(&self, number: usize) -> SocketAddr {
        let mut circle = self.nodes.iter().cycle().skip(number % self.nodes.len());
        circle
            .next()
            .map_or(SocketAddr::from(([127, 0, 0, 1], 0)), |node| node.address)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn is_ready(&self, address: SocketAddr) -> bool {
        self.nodes
            .iter()
            .find(|node| node.address == address)
            .is_some_and(|node| node.is_ready.load(Ordering::Relaxed))
    }
}

async fn watch(nodes: Arc<Nodes>, number: usize) {
    let Some(node) = nodes.nodes.get(number) else {
        return;
    };
    loop {
        let mut connection = Connection::new(node.address, WATCH_PATIENCE);
        let request = Request::get("/readyz").on_a_connection_of_its_own();
        let answer = connection.ask(&request).await;
        let is_ready = answer.is_ok_and(|answer| answer.status == 200);
        node.is_ready.store(is_ready, Ordering::Relaxed);
        tokio::time::sleep(WATCH_INTERVAL).await;
    }
}
