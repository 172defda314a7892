//! The nemesis: which faults come, in which order, and how each is brought about and healed.

use super::{
    chance::Chance,
    fleet::Fleet,
    proxy::{Proxy, Weather},
    servers::Servers,
};
use std::{fmt, thread};

/// The queue whose leader is killed: that of the saga.
const LED: &str = "planshift.coordinator";
/// Less memory than the broker ever needs, and what it is started with.
const MEMORY: [&str; 2] = ["1MB", "1GB"];

/// Which server's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// RabbitMQ.
    Broker,
    /// PostgreSQL.
    Database,
}

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9` of these processes.
    Kill(Vec<usize>),
    /// The broker is stopped in good order.
    StopBroker,
    /// `kill -9` of the broker.
    KillBroker,
    /// `kill -9` of the node that leads the coordinator's queue, or of one that does not.
    KillNode {
        /// The one that does?
        leader: bool,
    },
    /// One node is stopped in good order.
    StopNode,
    /// The database is stopped as a crash does.
    CrashDatabase,
    /// Every connection is cut.
    Cut(Side),
    /// Every connection is cut, and new ones are refused.
    Refuse(Side),
    /// What passes is late.
    Delay(Side),
    /// Nothing passes, and nobody is told; then, sometimes, the connections are cut.
    Hold(Side),
    /// The broker blocks publishers.
    MemoryAlarm,
}

/// What a fault is brought about with.
pub struct Levers<'a> {
    /// The servers.
    pub servers: &'a Servers,
    /// The processes.
    pub fleet: &'a mut Fleet,
    /// In front of RabbitMQ.
    pub broker: &'a Proxy,
    /// In front of PostgreSQL.
    pub database: &'a Proxy,
}

/// The faults for one broker: every process is killed in turn; between these kills comes everything else, by chance.
pub fn of_one_node(processes: usize, chance: &mut Chance) -> Vec<Fault> {
    let mut others = vec![Fault::StopBroker, Fault::KillBroker, Fault::CrashDatabase, Fault::CrashDatabase, Fault::MemoryAlarm];
    for side in [Side::Broker, Side::Database] {
        others.extend([Fault::Cut(side), Fault::Cut(side), Fault::Refuse(side), Fault::Delay(side), Fault::Hold(side)]);
    }
    others.extend((0..6).map(|_| some(processes, chance)));
    mixed((0..processes).map(|process| Fault::Kill(vec![process])).collect(), others, chance)
}

/// The faults for a cluster: its nodes go in turn, the leader too.
pub fn of_a_cluster(processes: usize, chance: &mut Chance) -> Vec<Fault> {
    let nodes = vec![
        Fault::KillNode { leader: true },
        Fault::KillNode { leader: false },
        Fault::StopNode,
        Fault::KillNode { leader: true },
        Fault::KillNode { leader: false },
    ];
    let mut others = vec![Fault::Cut(Side::Broker), Fault::Hold(Side::Broker), Fault::MemoryAlarm, Fault::CrashDatabase];
    others.extend((0..3).map(|_| some(processes, chance)));
    mixed(nodes, others, chance)
}

/// One process or two at once, by chance.
fn some(processes: usize, chance: &mut Chance) -> Fault {
    let mut all: Vec<usize> = (0..processes).collect();
    chance.shuffle(&mut all);
    all.truncate(chance.number(1..=2));
    Fault::Kill(all)
}

/// The first ones in their order, the others by chance between them.
fn mixed(ordered: Vec<Fault>, mut others: Vec<Fault>, chance: &mut Chance) -> Vec<Fault> {
    chance.shuffle(&mut others);
    let mut faults = ordered;
    for other in others {
        let place = chance.number(0..=faults.len());
        faults.insert(place, other);
    }
    faults
}

impl Fault {
    /// As the log has it.
    pub fn name(&self, fleet: &Fleet) -> String {
        match self {
            Self::Kill(processes) => {
                let names: Vec<&str> = processes.iter().map(|process| fleet.name(*process)).collect();
                format!("kill -9 of {}", names.join(" and "))
            }
            Self::StopBroker => "RabbitMQ stopped and started".to_owned(),
            Self::KillBroker => "kill -9 of RabbitMQ".to_owned(),
            Self::KillNode { leader: true } => "kill -9 of the node that leads".to_owned(),
            Self::KillNode { leader: false } => "kill -9 of a node that follows".to_owned(),
            Self::StopNode => "a node stopped and started".to_owned(),
            Self::CrashDatabase => "PostgreSQL stopped hard and started".to_owned(),
            Self::Cut(side) => format!("connections to {side} cut"),
            Self::Refuse(side) => format!("connections to {side} cut and refused"),
            Self::Delay(side) => format!("connections to {side} delayed"),
            Self::Hold(side) => format!("connections to {side} held"),
            Self::MemoryAlarm => "memory alarm".to_owned(),
        }
    }

    /// Brings it about, keeps it for a while, and heals it.
    ///
    /// # Errors
    /// A server does not do as it is told.
    pub fn strike(&self, levers: &mut Levers<'_>, chance: &mut Chance) -> Result<(), String> {
        let servers = levers.servers;
        let proxy = |side| if side == Side::Broker { levers.broker } else { levers.database };
        // how long a fault lasts is part of it: nothing is waited for
        let lasts = |chance: &mut Chance, longest: u64| thread::sleep(chance.millis(longest / 5..=longest));
        match self {
            Self::Kill(processes) => processes.iter().for_each(|process| levers.fleet.kill(*process)),
            Self::StopBroker => {
                servers.command("stop-rabbitmq", &[])?;
                lasts(chance, 1_500);
                servers.command("start-rabbitmq", &[])?;
            }
            Self::KillBroker => {
                servers.command("kill-rabbitmq", &[])?;
                lasts(chance, 1_500);
                servers.command("start-rabbitmq", &[])?;
            }
            Self::KillNode { leader } => {
                let leads = leader_of(servers)?;
                let node = if *leader { leads } else { leads % servers.nodes() + 1 }.to_string();
                servers.command("kill-rabbitmq", &[&node])?;
                lasts(chance, 3_000);
                servers.command("start-rabbitmq", &[&node])?;
            }
            Self::StopNode => {
                let node = chance.number(1..=servers.nodes()).to_string();
                servers.command("stop-rabbitmq", &[&node])?;
                lasts(chance, 2_000);
                servers.command("start-rabbitmq", &[&node])?;
            }
            Self::CrashDatabase => {
                servers.command("stop-postgres-hard", &[])?;
                lasts(chance, 1_500);
                servers.command("start-postgres", &[])?;
            }
            Self::Cut(side) => proxy(*side).cut(),
            Self::Refuse(side) => {
                proxy(*side).set(Weather { refuse: true, ..Weather::FAIR });
                proxy(*side).cut();
                lasts(chance, 2_500);
                proxy(*side).set(Weather::FAIR);
            }
            Self::Delay(side) => {
                let (up, down) = (chance.millis(0..=150), chance.millis(20..=150));
                proxy(*side).set(Weather { up, down, ..Weather::FAIR });
                lasts(chance, 3_000);
                proxy(*side).set(Weather::FAIR);
            }
            Self::Hold(side) => {
                proxy(*side).set(Weather { hold: true, ..Weather::FAIR });
                lasts(chance, 3_000);
                if chance.one_in(2) {
                    proxy(*side).cut();
                }
                proxy(*side).set(Weather::FAIR);
            }
            Self::MemoryAlarm => {
                let [little, enough] = MEMORY;
                servers.command("ctl", &["set_vm_memory_high_watermark", "absolute", little])?;
                lasts(chance, 3_000);
                servers.command("ctl", &["set_vm_memory_high_watermark", "absolute", enough])?;
            }
        }
        Ok(())
    }
}

fn leader_of(servers: &Servers) -> Result<usize, String> {
    let queues = servers.queues()?;
    let leader = queues.iter().find(|queue| queue.name == LED).and_then(|queue| queue.leader);
    leader.ok_or_else(|| format!("no node leads {LED}"))
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Broker { "RabbitMQ" } else { "PostgreSQL" })
    }
}
